"use strict";

// Texts of jobs come from whoever can push a branch. They only ever become text nodes and attribute values, with escapes
// for what is not seen or changes the direction of other text.
const hidden = /[\p{C}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/gu;
const visible = (value) => String(value).replace(hidden, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
const byId = (id) => document.getElementById(id);
const svgNames = new Set(["svg", "rect", "line"]);

/** An element; null and false among the children are left out. */
function make(name, attributes, ...children) {
  const node = svgNames.has(name)
    ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(visible(child)));
  }
  return node;
}
const outside = (text) => make("bdi", null, text);

/** Makes `old` like `wanted` and keeps what is the same, so that neither the focus nor a selection is lost. */
function morph(old, wanted) {
  if (old.nodeType !== wanted.nodeType || old.nodeName !== wanted.nodeName) return old.replaceWith(wanted);
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== wanted.data) old.data = wanted.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    // Whether details are open is for the reader to say.
    if (name !== "open" && !wanted.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  fill(old, [...wanted.childNodes]);
}

/** Gives `parent` these children: one with a data-key stays the same element wherever it moves. */
function fill(parent, children) {
  const keyed = new Map();
  for (const child of parent.children) if (child.dataset?.key) keyed.set(child.dataset.key, child);
  let place = parent.firstChild;
  for (const wanted of children) {
    const known = wanted.dataset?.key && keyed.get(wanted.dataset.key);
    if (known) {
      keyed.delete(wanted.dataset.key);
      if (known === place) place = place.nextSibling; else parent.insertBefore(known, place);
      if (known !== wanted) morph(known, wanted);
    } else if (place && !place.dataset?.key && !wanted.dataset?.key) {
      const next = place.nextSibling;
      morph(place, wanted);
      place = next;
    } else {
      parent.insertBefore(wanted, place);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

// Words

const plural = (count, one, many = one + "s") => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
/** `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
function time(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min${s < 600 && s % 60 ? ` ${s % 60} s` : ""}`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}
const clock = (date) => new Date(date).toLocaleTimeString("en-GB");
