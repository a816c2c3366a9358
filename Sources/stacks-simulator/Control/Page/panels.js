// What is shown of the world that the jobs are in.

/** What is shown of each state. Those with `always` are the way of a job that goes well. */
const states = [
  ["pending"], ["waiting"], ["blocked"], ["unblocked"], ["limiting"], ["limited"],
  ["scheduled", "always"], ["reserved", "always"], ["assigned"], ["accepted", "always"], ["running", "always"],
  ["canceling"], ["timing_out"], ["finished", "always"], ["canceled"], ["timed_out"], ["expired"], ["skipped"], ["broken"],
  ["waiting_failed"], ["blocked_failed"], ["unblocked_failed"],
];
const known = new Map(states.map(([state], place) => [state, place]));
const placeOf = (state) => known.get(state) ?? states.length;
const inOrder = (counts) => Object.entries(counts).sort(([a], [b]) => placeOf(a) - placeOf(b) || (a < b ? -1 : 1));
/** The states that the API does not have, as many as can be shown. */
const otherStates = (counts) => Object.keys(counts).filter((state) => !known.has(state)).sort().slice(0, 20);
const stateClass = (state) => known.has(state) ? `s-${state}` : "s-other";
const number = (value) => value.toLocaleString("en");
const age = (date, now) => time(Math.max(0, now - Date.parse(date)) / 1000);
const ended = new Set(["finished", "canceled", "timed_out", "expired", "skipped", "broken", "waiting_failed", "blocked_failed", "unblocked_failed"]);

function pill(state, exitStatus) {
  const kind = { running: "good", canceling: "warn", timing_out: "warn", timed_out: "bad", expired: "bad", broken: "bad" }[state];
  const failed = state === "finished" && exitStatus !== null && exitStatus !== undefined && exitStatus !== 0;
  return make("span", { class: `pill ${failed ? "bad" : kind ?? ""}` }, make("span", { class: `dot ${failed ? "s-broken" : stateClass(state)}` }),
    outside(state.replaceAll("_", " ")), failed && ` ${exitStatus}`);
}

/** A button for each state, which shows its jobs alone. `before` are the counts of the last time. */
function stateButtons(counts, before, chosen) {
  const shown = states.filter(([state, always]) => always || counts[state] || state === chosen).map(([state]) => state);
  const others = [...new Set([...otherStates(counts), ...(chosen && !known.has(chosen) ? [chosen] : [])])];
  const total = Object.values(counts).reduce((a, b) => a + b, 0);
  const button = (state, title, count, change) => make("button", {
    type: "button", class: `state ${state ? stateClass(state) : ""}`, "data-key": state || " all", "data-state": state,
    "aria-pressed": String(chosen === state) },
  make("span", { class: "value" }, number(count)), make("span", { class: "title" }, outside(title)),
  make("span", { class: "change" }, change ? `${change > 0 ? "+" : "−"}${number(Math.abs(change))}` : ""));
  return [button("", "all jobs", total, before && total - Object.values(before).reduce((a, b) => a + b, 0)),
    ...[...shown, ...others].map((state) => button(state, state.replaceAll("_", " "), counts[state] ?? 0,
      before && (counts[state] ?? 0) - (before[state] ?? 0)))];
}

/** A bar with a part for each state. */
function stateBar(counts) {
  const parts = inOrder(counts);
  const whole = Math.max(1, parts.reduce((all, [, count]) => all + count, 0));
  let x = 0;
  const bars = parts.map(([state, count]) => {
    const rect = make("rect", { class: stateClass(state), x: `${(x / whole) * 100}%`, width: `${(count / whole) * 100}%`, height: "100%" });
    x += count;
    return rect;
  });
  const words = parts.map(([state, count]) => `${number(count)} ${state.replaceAll("_", " ")}`);
  return [make("svg", { class: "slots", role: "img", "aria-label": visible(words.join(", ") || "no jobs") }, bars),
    make("p", { class: "quiet" }, words.slice(0, 8).join(", ") || "no jobs", words.length > 8 && ` and ${words.length - 8} more states`)];
}

const isWide = matchMedia("(min-width: 761px)");
const several = (overview) => overview.organizations.count > 1;
const isQueue = (chosen, organization, key) => chosen !== null && chosen.organization === organization && chosen.queue === key;
const queueName = ({ organization, queue }, overview) => several(overview) ? `${queue} of ${organization}` : queue;

function queueItem(queue, overview, chosen) {
  const verb = queue.paused ? "resume" : "pause";
  return make("li", { "data-key": `${queue.organization}/${queue.key}` },
    make("div", { class: "bar" },
      make("button", { type: "button", class: "link", "data-queue": queue.key, "data-organization": queue.organization,
        "aria-pressed": String(isQueue(chosen, queue.organization, queue.key)) }, outside(queue.key)),
      several(overview) && make("span", { class: "quiet" }, outside(queue.organization)),
      queue.paused && make("span", { class: "pill warn" }, "paused"),
      make("button", { type: "button", class: "small end", "data-key": "pause", "data-post": `queues/${encodeURIComponent(queue.key)}/${verb}`,
        "data-organization": queue.organization, "aria-label": visible(`${queue.paused ? "Resume" : "Pause"} ${queue.key}`) }, queue.paused ? "Resume" : "Pause")),
    stateBar(queue.by_state));
}

/** The most that was used of each limit, in each of the last polls. */
const peaks = new Map();
const rememberedPeaks = 60;
function peak(name, used) {
  if (peaks.size > 2000) peaks.clear();
  const values = [...(peaks.get(name) ?? []).slice(1 - rememberedPeaks), used];
  peaks.set(name, values);
  return Math.max(...values);
}

function stackItem(stack, overview, now) {
  const kind = !stack.registered ? ["deregistered", ""] : stack.connected ? ["connected", "good"] : ["disconnected", "bad"];
  const limits = stack.limits.map((one) => ({ ...one, peak: peak(`${stack.organization}/${stack.key}/${one.scope}`, one.used) }));
  const most = limits.reduce((a, b) => b.used / b.limit > a.used / a.limit ? b : a, { used: 0, limit: 1, scope: "" });
  return make("li", { "data-key": `${stack.organization}/${stack.key}` },
    make("div", { class: "bar" }, make("strong", null, outside(stack.key)),
      make("span", { class: "quiet" }, outside(stack.queue), several(overview) && [", ", outside(stack.organization)]),
      make("span", { class: `pill ${kind[1]} end` }, kind[0])),
    make("p", { class: "quiet number" }, stack.last_polled_at ? `Polled ${age(stack.last_polled_at, now)} ago` : "Not polled yet",
      `, ${stack.type}`),
    stack.registered && limits.length > 0 && make("details", { open: overview.stacks.count === 1 && isWide.matches },
      make("summary", null, `Limits in the last second: ${most.used ? `up to ${Math.round((most.used / most.limit) * 100)} %` : "none used"}`),
      make("div", { class: "limits" }, limits.flatMap((one) => [
        outside(one.scope),
        make("svg", { role: "img", "aria-label": `${one.used} of ${one.limit}, at most ${one.peak} lately` },
          make("rect", { class: "peak", width: `${(one.peak / one.limit) * 100}%`, height: "100%" }),
          make("rect", { class: one.used >= one.limit ? "full" : "used", width: `${(one.used / one.limit) * 100}%`, height: "100%" })),
        make("span", { class: "number" }, `${one.used} of ${one.limit}`)]))));
}

function agentItem(agent, now) {
  const kind = { connected: "good", lost: "bad", registered: "warn" }[agent.state] ?? "";
  return make("li", { "data-key": agent.id },
    make("div", { class: "bar" }, make("strong", null, outside(agent.name)),
      make("span", { class: "quiet" }, outside(agent.version)), make("span", { class: `pill ${kind} end` }, agent.state)),
    make("p", { class: "quiet number" }, `Seen ${age(agent.last_seen_at, now)} ago, ${plural(agent.heartbeats, "heartbeat")}, `,
      make("button", { type: "button", class: "link", "data-job": agent.job, title: agent.job }, `job ${agent.job.slice(0, 8)}`)));
}

function faultItem(fault) {
  const facts = [
    fault.operation ?? "every operation", fault.count === null ? "without end" : plural(fault.count, "time"),
    fault.skipping > 0 && `after ${plural(fault.skipping, "request")}`, fault.probability < 1 && `at ${+(fault.probability * 100).toFixed(1)} %`,
    fault.delay_ms > 0 && `delayed by ${time(fault.delay_ms / 1000)}`,
  ].filter(Boolean);
  return make("li", { "data-key": String(fault.number) },
    make("div", { class: "bar" }, make("strong", null, fault.kind, fault.status && ` ${fault.status}`),
      make("button", { type: "button", class: "small end", "data-delete": `faults/${fault.number}`,
        "aria-label": `Remove the fault ${fault.kind}` }, "Remove")),
    make("p", { class: "quiet" }, facts.join(", ")));
}

const list = (all, item, none) => all.count === 0 ? [make("li", { class: "empty" }, none)]
  : [...all.first.map(item), all.count > all.first.length && make("li", { class: "empty", "data-key": " more" },
    `and ${number(all.count - all.first.length)} more`)].filter(Boolean);

function switches(overview) {
  const one = (key, isOn, title, path, organization) => make("button", { type: "button", role: "switch", "data-key": key,
    "aria-checked": String(isOn), "data-post": path, "data-organization": organization }, title);
  return [one("limits", overview.rate_limits, "Rate limits", `rate-limits/${overview.rate_limits ? "off" : "on"}`, null),
    ...overview.organizations.first.map(({ slug, available }) => one(`available ${slug}`, available,
      outside(several(overview) ? `API available to ${slug}` : "API available"),
      `organization/${available ? "unavailable" : "available"}`, slug))];
}
