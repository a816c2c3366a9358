// Asks for what there is, shows it, and does what the reader asks for.

const rowsAtFirst = 100;
const mostRows = 1000;
const shownRequests = 100;
const find = byId("find");
/** The queue is null or has its organization and its key: several organizations can have the same key. */
const chosen = { state: "", queue: null, job: null };
let rows = rowsAtFirst;
let last = null;
let before = null;
/** What the list was asked for, and when by the events of jobs: it is asked for again when either is another. */
let listed = { mark: "", jobs: [], has_more: false };
let job = null;
let jobMark = "";

const jobQuery = () => ({ brief: true, order: byId("order").value, limit: rows,
  ...(chosen.state && { state: chosen.state }), ...chosen.queue, ...(find.value && { find: find.value }) });

/** What stands for a response that says what is wrong with the request. Other errors are a lost connection. */
const ifRefused = (value) => (error) => {
  if (error.status === 400 || error.status === 404) return value(error.message);
  throw error;
};

/** The overview first; then the jobs, if one has moved, and the chosen one, if anything has happened. */
async function ask() {
  const overview = await getJSON("overview", { limit: 50 });
  const query = jobQuery();
  const mark = JSON.stringify([overview.job_events, query]);
  if (listed.mark !== mark) listed = { mark, ...await getJSON("jobs", query).catch(ifRefused((message) => ({ jobs: [], has_more: false, message }))) };
  const id = chosen.job;
  const newMark = `${id} ${overview.job_events} ${overview.last_request}`;
  if (id && jobMark !== newMark) {
    job = await getJSON(`jobs/${id}`).catch(ifRefused(() => null));
    jobMark = newMark;
  }
  const newest = { newest: true, limit: shownRequests };
  const journal = byId("requests").open ? await getJSON("requests", newest) : null;
  const about = job && byId("job-requests").open ? await getJSON("requests", { ...newest, job: id }) : null;
  return { overview, journal, about };
}

function show({ overview, journal, about }) {
  const now = Date.parse(overview.clock.now);
  byId("clock").textContent = `${overview.clock.kind === "manual" ? "Manual clock, " : ""}${new Date(now).toLocaleString("en-GB")}`;
  const { requests } = overview;
  byId("about").textContent = [
    plural(requests.count, "request"), requests.rate_limited > 0 && `${number(requests.rate_limited)} above a limit`,
    requests.faulty > 0 && `${number(requests.faulty)} with a fault`,
    overview.pending_arrivals > 0 && `${plural(overview.pending_arrivals, "job")} to arrive`].filter(Boolean).join(", ");
  document.title = `${number(overview.by_state.running ?? 0)} running – Simulator`;
  byId("advance").hidden = overview.clock.kind !== "manual";
  fill(byId("switches"), switches(overview));
  fill(byId("states"), stateButtons(overview.by_state, before, chosen.state));
  fill(byId("queues"), list(overview.queues, (queue) => queueItem(queue, overview, chosen.queue), "No queue."));
  fill(byId("stacks"), list(overview.stacks, (stack) => stackItem(stack, overview, now), "No stack has registered yet."));
  byId("agents-title").textContent = overview.agents.count ? `Agents, ${number(overview.live_agents)} of ${number(overview.agents.count)} there` : "Agents";
  fill(byId("agents"), list(overview.agents, (agent) => agentItem(agent, now), "No agent has registered yet."));
  fill(byId("faults"), [...list(overview.faults, faultItem, "No fault is on."),
    overview.faults.count > 1 && make("li", { "data-key": " all" }, make("button", { type: "button", class: "small", "data-delete": "faults" }, "Remove all"))].filter(Boolean));
  showJobs(overview, now);
  if (journal) fill(byId("journal"), [requestList(journal.requests)]);
  if (about) fill(byId("job-journal"), [requestList(about.requests)]);
  before = overview.by_state;
  last = { overview, now };
}

function showJobs(overview, now) {
  const isFiltered = chosen.state !== "" || chosen.queue !== null || find.value !== "";
  if (listed.message) fill(byId("table"), [make("p", { class: "why bad" }, outside(listed.message))]);
  else showJobTable(listed.jobs, now, chosen.job, isFiltered, several(overview));
  const like = [chosen.state && chosen.state.replaceAll("_", " "), chosen.queue !== null && `in ${queueName(chosen.queue, overview)}`, find.value && `with “${find.value}”`]
    .filter(Boolean).join(", ");
  byId("count").textContent = visible(`${listed.has_more ? "the first " : ""}${plural(listed.jobs.length, "job")}${like ? `: ${like}` : ""}`);
  byId("more").hidden = !listed.has_more || rows >= mostRows;
  byId("job").hidden = !chosen.job;
  byId("work").classList.toggle("split", Boolean(chosen.job));
  if (!chosen.job) return;
  if (!job || job.id !== chosen.job) {
    fill(byId("job-facts"), [make("div", { class: "bar" }, make("h2", null, "There is no such job"),
      make("button", { type: "button", class: "small end", "data-close": true }, "Close"))]);
    return showLog({ id: chosen.job, run: { log_size: 0, log_complete: true } });
  }
  fill(byId("job-facts"), jobPanel(job, now));
  showLog(job);
}

const poll = polling({ ask, show, pause: () => (listed.jobs.length > 300 ? 2000 : 1000) });

// What the reader does

listKeys(find, poll);
byId("order").addEventListener("change", poll);
for (const id of ["requests", "job-requests"]) byId(id).addEventListener("toggle", poll);
byId("more").addEventListener("click", () => {
  rows = Math.min(mostRows, rows * 3);
  poll();
});

async function choose(id) {
  chosen.job = id;
  job = null;
  jobMark = "";
  byId("job-requests").open = false;
  byId("job-journal").replaceChildren();
  history.replaceState(null, "", id ? `#job=${id}` : "#");
  await poll();
}

/** Closes the job, and leads back to where it was opened. */
function closeJob() {
  const opener = document.querySelector(`#table [data-job="${CSS.escape(chosen.job)}"]`);
  choose(null);
  (opener ?? byId("jobs")).focus();
}

document.addEventListener("click", async (event) => {
  const target = event.target.closest("button");
  if (!target || !last) return;
  const { state, queue, job: id, action, post, delete: removed, organization, close } = target.dataset;
  if (state !== undefined) {
    chosen.state = chosen.state === state ? "" : state;
    rows = rowsAtFirst;
  } else if (queue !== undefined) {
    chosen.queue = isQueue(chosen.queue, organization, queue) ? null : { organization, queue };
    rows = rowsAtFirst;
  } else if (id) {
    if (id === chosen.job) return closeJob();
    await choose(id);
    byId("job").scrollIntoView({ block: "nearest" });
    return byId("job").focus({ preventScroll: true });
  } else if (close !== undefined) {
    return closeJob();
  } else if (action || post || removed) {
    return act({ action, post, delete: removed, organization }, { job: chosen.job }, last.overview, poll);
  } else {
    return;
  }
  poll();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, select, textarea, dialog")) return;
  if (event.key === "Escape" && chosen.job) closeJob();
  if (event.key === "a") {
    event.preventDefault();
    document.querySelector('[data-action="jobs"]').click();
  }
});

const linked = /^#job=([0-9a-f-]{36})$/i.exec(location.hash);
if (linked) chosen.job = linked[1].toLowerCase();
poll();
