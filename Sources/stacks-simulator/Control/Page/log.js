// A job's log. It comes from whoever can push a branch: its colours become classes, and nothing else of its escape sequences
// has an effect.

const sequence = /\u001b(?:\[([0-?]*)[ -/]*([@-~]?)|[\]P^_X][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~]?)/g;
const hiddenInLogs = /[^\P{C}\t]|[\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/gu;
const visibleInLogs = (text) => text.replace(hiddenInLogs, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);

/** The class of the text after a sequence of colours, from the one before it. */
function styleAfter(style, parameters) {
  let { colour, bold } = style;
  const numbers = parameters.split(";").map(Number);
  for (let i = 0; i < numbers.length; i++) {
    const n = numbers[i];
    if (n === 0) { colour = null; bold = false; }
    else if (n === 1) bold = true;
    else if (n === 22) bold = false;
    else if (n === 39) colour = null;
    else if (n >= 30 && n <= 37) colour = n - 30;
    else if (n >= 90 && n <= 97) colour = n - 90;
    else if (n === 38 || n === 48) i += numbers[i + 1] === 5 ? 2 : 4;
  }
  return { colour, bold };
}

/** The nodes of a log. Of a line that a carriage return overwrites, the last text is shown. */
function logNodes(text) {
  const lines = text.replaceAll("\r\n", "\n").split("\n").map((line) => line.slice(line.lastIndexOf("\r", line.length - 2) + 1));
  const nodes = [];
  let style = { colour: null, bold: false };
  const add = (piece) => {
    if (!piece) return;
    const classes = [style.colour !== null && `ansi-${style.colour}`, style.bold && "bold"].filter(Boolean).join(" ");
    const shown = document.createTextNode(visibleInLogs(piece));
    if (!classes) return nodes.push(shown);
    const span = make("span", { class: classes });
    span.append(shown);
    nodes.push(span);
  };
  lines.forEach((line, number) => {
    if (number) nodes.push(document.createTextNode("\n"));
    let end = 0;
    for (const match of line.matchAll(sequence)) {
      add(line.slice(end, match.index));
      end = match.index + match[0].length;
      if (match[2] === "m") style = styleAfter(style, match[1]);
    }
    add(line.slice(end));
  });
  return nodes;
}
