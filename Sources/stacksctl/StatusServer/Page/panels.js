// What is shown of the stacks and of the last hour.

const sum = (stacks, value) => stacks.reduce((all, stack) => all + value(stack), 0);

function summary(status) {
  const { stacks } = status;
  const waiting = sum(stacks, (s) => s.jobs.waiting);
  const oldest = stacks.map((s) => s.oldest_waiting).filter(Boolean)
    .sort((a, b) => b.waited_seconds - a.waited_seconds)[0];
  const [slots, used] = status.slots === null
    ? [sum(stacks, (s) => s.slots), sum(stacks, (s) => s.in_flight)] : [status.slots, status.slots_used];
  const hour = status.last_hour;
  const total = (values) => values.reduce((a, b) => a + b, 0);
  const failed = total(hour.failed);
  const tile = (title, value, note, kind) => make("dl", { class: `tile ${kind ?? ""}`, "data-key": title },
    make("dt", null, title), make("dd", null, value), make("dd", null, note));
  const exact = stacks.every((s) => s.knows_all_waiting);
  return [
    tile("Running", sum(stacks, (s) => s.jobs.running).toLocaleString("en"),
      `${plural(sum(stacks, (s) => s.jobs.launching), "job")} launching`),
    tile("Waiting", `${exact ? "" : "≥ "}${waiting.toLocaleString("en")}`,
      oldest ? `the oldest for ${time(oldest.waited_seconds)}` : "no job waits for a slot"),
    tile("Slots taken", `${used.toLocaleString("en")} of ${slots.toLocaleString("en")}`,
      status.slots === null ? "by jobs in flight" : `shared by ${plural(stacks.length, "stack")}`),
    tile("Launched in the last hour", total(hour.launched).toLocaleString("en"),
      `${total(hour.finished).toLocaleString("en")} finished`),
    tile("Failed in the last hour", failed.toLocaleString("en"), "before an agent took the job", failed ? "bad" : ""),
  ];
}

const calm = new Set(["nothing_scheduled", "nothing_matches", "full", "dry_run", "not_running"]);

function why(stack) {
  if (stack.phase === "ended") return ["The stack has ended.", "bad"];
  if (stack.phase === "draining") return ["Takes no further jobs and lets the running ones end.", "warn"];
  if (stack.phase !== "running") return [`The stack is ${stack.phase}.`, ""];
  if (!stack.idle_reason) return ["Jobs are started as they come.", ""];
  const bad = ["cannot_start", "launches_fail"].includes(stack.idle_reason);
  const text = stack.idle_reason === "nothing_scheduled" ? "Nothing to start" : "Nothing is started";
  return [`${text}: ${stack.idle_text}.`, bad ? "bad" : calm.has(stack.idle_reason) ? "" : "warn"];
}

function stackPanel(stack, status) {
  const { jobs } = stack;
  // What the stack may have at most, and what the pool has left for it.
  const slots = status.slots === null ? stack.slots : Math.min(stack.slots, status.slots);
  const left = Math.max(0, slots - stack.in_flight);
  const free = status.slots === null ? left : Math.min(left, Math.max(0, status.slots - status.slots_used));
  const [reason, kind] = why(stack);
  const parts = [
    ["running", "running", jobs.running], ["launching", "launching", jobs.launching],
    ["reserved", "reserved", jobs.reserved],
    ["ending", "ending", jobs.stopping + jobs.settling],
    ["others", left - free === 1 ? "slot of another stack's" : "slots of other stacks", left - free],
    ["free", "free", free],
  ];
  const whole = Math.max(1, parts.reduce((all, part) => all + part[2], 0));
  let x = 0;
  const bars = parts.filter((part) => part[2] > 0 && part[0] !== "free").map(([kind, , count]) => {
    const rect = make("rect", { class: kind, x: `${(x / whole) * 100}%`, width: `${(count / whole) * 100}%`, height: "100%" });
    x += count;
    return rect;
  });
  const spoken = parts.map(([, word, count]) => `${count} ${word}`).join(", ");
  const oldest = stack.oldest_waiting;
  const polled = stack.polled_seconds_ago;
  return make("article", { class: "panel stack", "data-key": stack.key },
    make("div", { class: "bar" },
      make("h2", null, outside(stack.key)),
      make("span", { class: "quiet" }, "queue ", outside(stack.queue)),
      make("span", { class: `pill ${stack.ready ? "good" : "bad"}` }, stack.ready ? "Ready" : "Not ready")),
    make("p", { class: `why ${kind}` }, reason),
    stack.start_trouble && make("p", { class: "why bad" }, outside(stack.start_trouble)),
    make("svg", { class: "slots", role: "img", "aria-label": `${plural(slots, "slot")}: ${spoken}` }, bars),
    make("ul", { class: "legend" }, parts.filter((part) => part[2] > 0).map(([kind, word, count]) =>
      make("li", null, make("svg", { "aria-hidden": "true" },
        make("rect", { class: kind, width: "100%", height: "100%", rx: "2" })),
        make("span", { class: "number" }, count.toLocaleString("en")), ` ${word}`))),
    make("p", null, jobs.waiting === 0 ? "No job waits for a slot." : [
      `${stack.knows_all_waiting ? "" : "At least "}${plural(jobs.waiting, "job")} ${jobs.waiting === 1 ? "waits" : "wait"}`,
      oldest ? [`, the oldest for ${time(oldest.waited_seconds)}: `, outside(name(oldest)),
        oldest.branch !== null && [" on ", outside(oldest.branch)]] : "", "."].flat(2)),
    jobs.unresponsive > 0 && make("p", { class: "why bad" },
      `${plural(jobs.unresponsive, "launcher")} did not end when told to, and ${jobs.unresponsive === 1 ? "keeps its slot" : "keep their slots"}.`),
    stack.last_failure && make("p", { class: "why warn" }, "The last call failed: ", outside(stack.last_failure)),
    make("p", { class: "quiet number" }, polled === null ? "Not polled yet." : `Polled ${time(polled)} ago.`,
      stack.retries_in_seconds !== null && ` Tries again in ${time(stack.retries_in_seconds)}.`,
      ` Since the start ${plural(stack.totals.launched, "launch", "launches")}, ${stack.totals.finished.toLocaleString("en")} finished, ${stack.totals.failed.toLocaleString("en")} failed, ${stack.totals.cancelled.toLocaleString("en")} cancelled, ${stack.totals.released.toLocaleString("en")} given back.`),
    stack.rate_limits.length > 0 && make("details", null, make("summary", null, "Rate limits used in the last minute"),
      make("div", { class: "limits" }, stack.rate_limits.flatMap((use) => [
        outside(use.scope),
        make("svg", { role: "img", "aria-label": `${use.used} of ${use.limit}` }, make("rect", {
          class: use.used * 2 > use.limit ? "reserved" : "running",
          width: `${(use.used / use.limit) * 100}%`, height: "100%" })),
        make("span", { class: "number" }, `${use.used} of ${use.limit} a second`)]))));
}

const charts = [
  { key: "latency", title: "Dispatch latency", unit: time,
    series: (h) => [["light", h.dispatch_p95_seconds], ["strong", h.dispatch_p50_seconds]],
    said: (h, i) => h.dispatch_p50_seconds[i] === null ? "no job was launched"
      : `half within ${time(h.dispatch_p50_seconds[i])}, 95 % within ${time(h.dispatch_p95_seconds[i])}` },
  { key: "launches", title: "Launches a minute", unit: String, series: (h) => [["strong", h.launched]],
    said: (h, i) => `${h.launched[i]} launched` },
  { key: "failures", title: "Failures a minute", unit: String, series: (h) => [["fail", h.failed]],
    said: (h, i) => `${h.failed[i]} failed before an agent took the job` },
];
const pointed = new Map();

function chart(kind, hour, now) {
  const series = kind.series(hour);
  const count = series[0][1].length;
  const top = Math.max(0, ...series.flatMap((one) => one[1]).map((value) => value ?? 0));
  const here = pointed.get(kind.key);
  const minute = (i) => {
    const at = new Date(now - (count - 1 - i) * 60000);
    return `${at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}: ${kind.said(hour, i)}`;
  };
  const bars = series.flatMap(([style, values]) => values.map((value, i) => value && make("rect", {
    class: style, x: `${(i / count) * 100 + 0.2}%`, width: `${100 / count - 0.4}%`,
    y: `${100 - Math.max(2, (value / top) * 100)}%`, height: `${Math.max(2, (value / top) * 100)}%` })));
  const last = count - 1;
  return make("figure", { class: "panel chart", "data-key": kind.key },
    make("div", { class: "bar" }, make("h3", null, kind.title),
      make("span", { class: "quiet number" }, top > 0 ? `up to ${kind.unit(top)}` : "none in the last hour")),
    make("svg", { tabindex: "0", role: "img", "data-chart": kind.key,
      "aria-label": `${kind.title} in the last hour, at most ${kind.unit(top)}. Last minute: ${kind.said(hour, last)}` },
    here !== undefined && make("rect", { class: "here", x: `${(here / count) * 100}%`, width: `${100 / count}%`, height: "100%" }),
    bars, make("line", { class: "ground", x1: "0", x2: "100%", y1: "100%", y2: "100%" })),
    make("div", { class: "scale", "aria-hidden": "true" }, make("span", null, "an hour ago"), make("span", null, "now")),
    make("p", { class: "value", "aria-live": "polite" }, minute(here ?? last)));
}
