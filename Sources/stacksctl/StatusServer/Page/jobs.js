// The table of jobs, and the last errors.

const name = (job) => (job.pipeline ?? job.id) + (job.build === null ? "" : ` #${job.build}`);

const columns = [
  { key: "state", title: "State", value: (j) => j.state, order: 1 },
  { key: "job", title: "Job", value: name, order: 1 },
  { key: "branch", title: "Branch", value: (j) => j.branch ?? "", order: 1 },
  { key: "step", title: "Step", value: (j) => j.step ?? "", order: 1 },
  { key: "prio", title: "Priority", value: (j) => j.priority ?? 0, order: -1 },
  { key: "known", title: "Known for", value: (j) => j.known_seconds, order: -1, class: "c-time c-known" },
  { key: "time", title: "In state", value: (j) => j.state_seconds, order: -1 },
];
const states = { running: "good", launching: "", reserved: "", stopping: "warn", settling: "", unresponsive: "bad" };
const opened = new Set();
let sorting = null;

function rows(job, isMany) {
  const isOpen = opened.has(job.id);
  const cells = {
    state: make("span", { class: `pill ${states[job.state] ?? ""}` }, job.state),
    job: make("button", { type: "button", class: "open", "data-job": job.id, "aria-expanded": String(isOpen) }, outside(name(job))),
    branch: outside(job.branch ?? "–"), step: outside(job.step ?? "–"),
    prio: String(job.priority ?? "–"), known: time(job.known_seconds), time: time(job.state_seconds),
  };
  const row = make("tr", { class: "job", "data-key": job.id }, columns.map((column) =>
    make("td", { class: column.class ?? `c-${column.key}`, title: ["branch", "step"].includes(column.key) && job[column.key]
      ? visible(job[column.key]) : null }, cells[column.key])));
  if (!isOpen) return [row];
  const facts = [
    ["UUID", make("code", null, job.id)], isMany && ["Stack", outside(job.stack)], ["Queue", outside(job.queue)],
    ["Rules", job.rules.length ? make("code", null, outside(job.rules.join("  "))) : "none"],
    ["Scheduled", job.scheduled_at ? `${new Date(job.scheduled_at).toLocaleString("en-GB")} ` : "not known"],
    ["Launched", job.launched_seconds_ago === null ? "not yet" : `${time(job.launched_seconds_ago)} ago`],
    job.log_file && ["Log file", make("a", { class: "path", "data-path": job.log_file,
      href: `file://${job.log_file.split("/").map(encodeURIComponent).join("/")}` }, outside(job.log_file))],
  ].filter(Boolean);
  return [row, make("tr", { class: "more", "data-key": `${job.id} more` }, make("td", { colspan: String(columns.length) },
    make("dl", { class: "facts" }, facts.flatMap(([term, value]) => [make("dt", null, term), make("dd", null, value)]))))];
}

function table(status) {
  let jobs = status.jobs;
  if (sorting) {
    const { value } = columns.find((column) => column.key === sorting.key);
    const compare = (a, b) => typeof a === "number" ? a - b : a < b ? -1 : a > b ? 1 : 0;
    jobs = [...jobs].sort((a, b) => sorting.order * compare(value(a), value(b)));
  }
  if (!status.are_jobs_known) return make("p", { class: "why bad" }, "A stack does not say what its jobs are: something blocks its threads.");
  if (!jobs.length) return make("p", { class: "empty" }, status.jobs_in_flight ? "No job in flight has that." : "No job is in flight.");
  const head = make("tr", null, columns.map((column) => make("th", {
    scope: "col", class: column.class ?? `c-${column.key}`,
    "aria-sort": sorting?.key === column.key ? (sorting.order > 0 ? "ascending" : "descending") : null },
    make("button", { type: "button", "data-sort": column.key }, column.title,
      sorting?.key === column.key ? (sorting.order > 0 ? " ↑" : " ↓") : ""))));
  return make("table", { "aria-labelledby": "jobs-title" }, make("thead", null, head),
    make("tbody", null, jobs.flatMap((job) => rows(job, status.stacks.length > 1))));
}

function problem(one) {
  const kind = one.level === "warning" ? "warn" : "bad";
  return make("li", { "data-key": `${one.time} ${one.message}` },
    make("time", { datetime: one.time, class: "number quiet" }, clock(one.time)),
    make("span", null, make("span", { class: `pill ${kind}` }, one.level)),
    make("span", { class: "what" }, outside(one.message),
      (one.stack || one.job) && make("span", { class: "where" }, ` – ${[one.stack, one.job].filter(Boolean).join(", job ")}`)));
}
