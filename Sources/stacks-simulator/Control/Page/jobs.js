// The table of jobs, and the journal.

const jobName = (pipeline, build, id) => (pipeline ?? id) + (build === null || build === undefined ? "" : ` #${build}`);
const columns = [
  ["state", "State"], ["job", "Job"], ["branch", "Branch"], ["step", "Step"], ["queue", "Queue"], ["prio", "Priority"],
  ["stack", "Reserved by"], ["time", "Last event"],
];

function jobRow(job, chosen, hasOrganizations) {
  const cells = {
    state: pill(job.state, job.exit_status),
    job: make("button", { type: "button", class: "open", "data-job": job.id, "aria-expanded": String(job.id === chosen), title: job.id },
      outside(jobName(job.pipeline, job.build, job.id)), make("span", { class: "quiet" }, ` ${job.id.slice(0, 8)}`)),
    branch: job.branch && outside(job.branch), step: job.step && outside(job.step), prio: String(job.priority),
    queue: [outside(job.queue), hasOrganizations && make("span", { class: "quiet" }, " ", outside(job.organization))],
    stack: job.reserved_by && outside(job.reserved_by),
    time: [`${(job.event ?? "").replaceAll("_", " ")} `, make("span", { class: "quiet" })],
  };
  return make("tr", { class: job.id === chosen ? "job chosen" : "job", "data-key": job.id },
    columns.map(([key]) => make("td", { class: `c-${key}` }, cells[key] ?? make("span", { class: "none" }, "–"))));
}

/** The rows that are shown, by the UUIDs of their jobs. A row is made again only when its job is not as it was. */
let shownRows = new Map();

function jobRows(jobs, now, chosen, hasOrganizations) {
  const rows = new Map();
  for (const job of jobs) {
    const mark = JSON.stringify([job, job.id === chosen, hasOrganizations]);
    let row = shownRows.get(job.id);
    if (row?.mark !== mark) {
      const element = jobRow(job, chosen, hasOrganizations);
      if (row) morph(row.element, element);
      row = { mark, element: row?.element ?? element };
    }
    row.element.querySelector(".c-time .quiet").textContent = job.moved_at ? `${age(job.moved_at, now)} ago` : "";
    rows.set(job.id, row);
  }
  shownRows = rows;
  return [...rows.values()].map((row) => row.element);
}

function showJobTable(jobs, now, chosen, isFiltered, hasOrganizations) {
  const table = byId("table");
  if (!jobs.length) {
    shownRows.clear();
    return fill(table, [make("p", { class: "empty" }, isFiltered ? "No job is like that." : "There are no jobs yet: add some, or let them arrive.")]);
  }
  if (!table.querySelector("table")) {
    table.replaceChildren(make("table", { "aria-labelledby": "jobs-title" },
      make("thead", null, make("tr", null, columns.map(([key, title]) => make("th", { scope: "col", class: `c-${key}` }, title)))),
      make("tbody", null)));
  }
  fill(table.querySelector("tbody"), jobRows(jobs, now, chosen, hasOrganizations));
}

const moment = (date) => {
  const at = new Date(date);
  return `${at.toLocaleTimeString("en-GB")}.${String(at.getMilliseconds()).padStart(3, "0")}`;
};

/** Requests, the last one first. */
function requestList(requests) {
  if (!requests.length) return make("p", { class: "empty" }, "There was no request.");
  const kind = (status) => status === null || status >= 500 ? "bad" : status >= 400 ? "warn" : "";
  return make("ol", { class: "requests" }, [...requests].reverse().map((one) => make("li", { "data-key": String(one.number) },
    make("time", { class: "number quiet" }, moment(one.at)),
    make("span", { class: `pill ${kind(one.status)}` }, one.status === null ? "lost" : String(one.status)),
    make("span", { class: "what" }, outside(one.operation ?? `${one.method} ${one.path}`),
      one.stack && [" by ", outside(one.stack)], one.agent && ` by agent ${one.agent.slice(0, 8)}`,
      one.jobs.length > 0 && make("span", { class: "quiet" }, `, ${one.jobs.length === 1 ? `job ${one.jobs[0].slice(0, 8)}` : plural(one.jobs.length, "job")}`),
      one.fault && make("span", { class: "why warn" }, ", a fault"),
      one.message && make("span", { class: "quiet" }, ": ", outside(one.message))))));
}
