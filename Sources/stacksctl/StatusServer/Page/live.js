// Asks for the status, shows it, and does what the reader asks for.

let last = null;
let wanted = 200;
const input = byId("find");

function show() {
  if (!last) return;
  const status = last;
  const now = Date.parse(status.time);
  const health = byId("health");
  health.textContent = !status.live ? "Not working" : status.ready ? "Ready" : "Not ready";
  health.className = `pill ${status.live && status.ready ? "good" : "bad"}`;
  byId("reason").textContent = visible(status.live ? status.ready_reason : status.live_reason);
  byId("about").textContent =
    `stacksctl ${status.version}, up for ${time((now - Date.parse(status.started_at)) / 1000)}, as of ${clock(now)}`;
  document.title = `${status.ready ? "" : "⚠ "}${sum(status.stacks, (s) => s.jobs.running)} running – Stacks`;
  fill(byId("summary"), summary(status));
  fill(byId("stacks"), status.stacks.map((stack) => stackPanel(stack, status)));
  fill(byId("hour"), charts.map((kind) => chart(kind, status.last_hour, now)));
  fill(byId("table"), [table(status)]);
  const { jobs_found: found, jobs } = status;
  byId("count").textContent = jobs.length < found ? `${jobs.length.toLocaleString("en")} of ${plural(found, "job")}, known for longest`
    : input.value ? `${plural(found, "job")} of ${status.jobs_in_flight.toLocaleString("en")}` : plural(found, "job");
  byId("more").hidden = jobs.length >= found || wanted >= 10000;
  fill(byId("problems"), status.errors.length ? status.errors.map(problem)
    : [make("li", { class: "empty" }, "Nothing was logged as a warning or an error.")]);
}

const poll = polling({
  ask: () => getJSON("status", { jobs: wanted, find: input.value }),
  show: (status) => {
    last = status;
    show();
  },
  pause: () => (last?.jobs.length ?? 0) > 1000 ? 3000 : 1000,
});

// What the reader does

listKeys(input, poll);
byId("more").addEventListener("click", () => {
  wanted = Math.min(10000, wanted * 3);
  poll();
});
byId("table").addEventListener("click", async (event) => {
  const target = event.target.closest("[data-job], [data-sort], [data-path]");
  if (!target) return;
  const { job, sort, path } = target.dataset;
  if (job) {
    if (!opened.delete(job)) opened.add(job);
  } else if (sort) {
    const { order } = columns.find((column) => column.key === sort);
    sorting = sorting?.key !== sort ? { key: sort, order } : sorting.order === order ? { key: sort, order: -order } : null;
  } else {
    // A page of http may not open a file: its path is what helps.
    event.preventDefault();
    getSelection().selectAllChildren(target);
    await navigator.clipboard?.writeText(path).catch(() => {});
    return;
  }
  show();
});
const hourSection = byId("hour");
const point = (svg, minute) => {
  pointed.set(svg.dataset.chart, Math.min(59, Math.max(0, minute)));
  show();
};
hourSection.addEventListener("pointermove", (event) => {
  const svg = event.target.closest("[data-chart]");
  if (!svg) return;
  const box = svg.getBoundingClientRect();
  point(svg, Math.floor(((event.clientX - box.left) / box.width) * 60));
});
const leave = (event) => {
  const svg = event.target.closest?.("[data-chart]");
  if (svg && pointed.delete(svg.dataset.chart)) show();
};
hourSection.addEventListener("pointerout", leave);
hourSection.addEventListener("focusout", leave);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const svg = event.target.closest?.("[data-chart]");
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!svg || !step) return;
  event.preventDefault();
  point(svg, (pointed.get(svg.dataset.chart) ?? 60) + step);
});
poll();
