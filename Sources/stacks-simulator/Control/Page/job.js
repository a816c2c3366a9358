// One job: what it is, what happened to it, and its log.

const shownLog = 65536;
const shownEvents = 200;
const size = (bytes) => bytes < 1024 ? plural(bytes, "byte") : bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1048576).toFixed(1)} MiB`;

function facts(pairs) {
  return make("dl", { class: "facts" }, pairs.filter((pair) => pair && pair[1] !== null && pair[1] !== undefined && pair[1] !== "")
    .flatMap(([term, value]) => [make("dt", null, term), make("dd", null, value instanceof Node ? value : outside(value))]));
}

function historyList(job) {
  const events = job.history.slice(-shownEvents);
  const skipped = job.history.length - events.length;
  let before = Date.parse(job.history[skipped - 1]?.at ?? events[0]?.at);
  return make("ol", { class: "history", start: String(skipped + 1) },
    skipped > 0 && make("li", { class: "quiet" }, `${plural(skipped, "event")} before`),
    events.map((event) => {
      const at = Date.parse(event.at);
      const later = (at - before) / 1000;
      before = at;
      return make("li", null, make("time", { class: "number quiet", datetime: event.at }, moment(event.at)),
        make("span", { class: "number quiet later" }, later > 0 ? `+${later < 1 ? `${Math.round(later * 1000)} ms` : time(later)}` : ""),
        make("span", { class: `dot ${stateClass(event.state)}` }),
        make("span", { class: "what" }, event.event.replaceAll("_", " "),
          make("span", { class: "quiet" }, " → ", outside(event.state.replaceAll("_", " ")), event.stack && [" by ", outside(event.stack)])));
    }));
}

function runFacts(run) {
  const entries = Object.entries(run.meta_data);
  return [
    run.annotations.length > 0 && make("details", null, make("summary", null, plural(run.annotations.length, "annotation")),
      run.annotations.slice(0, 50).map((one) => make("p", null, make("code", null, outside(one.context)), " ", outside(one.body.slice(0, 2000))))),
    run.artifacts.length > 0 && make("details", null, make("summary", null, plural(run.artifacts.length, "artifact")),
      run.artifacts.slice(0, 50).map((one) => make("p", null, make("code", null, outside(one.path)), ` ${size(one.file_size)}, `, outside(one.state)))),
    entries.length > 0 && make("details", null, make("summary", null, plural(entries.length, "value", "values"), " of meta-data"),
      facts(entries.slice(0, 50).map(([key, value]) => [outside(key), value.slice(0, 2000)]))),
  ].filter(Boolean);
}

function jobPanel(job, now) {
  const { run } = job;
  const name = jobName(job.pipeline.slug, job.build.number, job.id);
  return [
    make("div", { class: "bar" }, make("h2", null, outside(name)), pill(job.state, job.exit_status),
      make("span", { class: "end" },
        make("button", { type: "button", class: "small", "data-post": `jobs/${job.id}/cancel`, disabled: ended.has(job.state) }, "Cancel"), " ",
        make("button", { type: "button", class: "small", "data-action": "jobs/{job}/move" }, "Move"), " ",
        make("button", { type: "button", class: "small", "data-close": true, "aria-keyshortcuts": "Escape" }, "Close"))),
    facts([
      ["UUID", make("code", null, job.id)], ["Queue", `${job.queue}, priority ${job.priority}`],
      ["Branch", job.build.branch], ["Step", job.step.key],
      ["Rules", job.agent_query_rules.length ? make("code", null, outside(job.agent_query_rules.join("  "))) : "none"],
      job.reserved_by && ["Reserved by", `${job.reserved_by}, ${job.reservation_expires_at
        ? `for ${time(Math.max(0, Date.parse(job.reservation_expires_at) - now) / 1000)} more` : ""}`],
      job.exit_status !== undefined && ["Exit status", [job.exit_status, run.signal, run.signal_reason].filter((x) => x !== undefined && x !== null).join(", ")],
      ["Detail", job.detail], run.agent && ["Agent", run.agent],
      job.launches + job.starts > 0 && ["Agents", `asked for it ${plural(job.launches, "time")}, started it ${plural(job.starts, "time")}`],
      job.notifications.length > 0 && ["Notifications", job.notifications.slice(-20).join("  ·  ")],
    ]),
    make("h3", null, "History"), historyList(job), ...runFacts(run),
  ];
}

let logMark = "";

/** Shows the end of a log, and stays at its end. */
async function showLog({ id, run }) {
  const box = byId("log");
  byId("log-size").textContent = run.log_size === 0 ? "nothing yet"
    : `${run.log_size > shownLog ? `the last ${size(shownLog)} of ` : ""}${size(run.log_size)}${run.log_complete ? "" : ", a part is missing"}`;
  byId("log-raw").hidden = box.hidden = run.log_size === 0;
  byId("log-raw").href = `jobs/${id}/log`;
  const mark = `${id} ${run.log_size} ${run.log_complete}`;
  if (logMark === mark) return;
  logMark = mark;
  const response = run.log_size > 0 && await fetch(`jobs/${id}/log?last=${shownLog}`, { cache: "no-store" });
  if (logMark !== mark) return;
  const text = response.ok ? await response.text() : "";
  const isAtEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 4;
  // The first line of a log that is cut has no beginning.
  box.replaceChildren(...logNodes(run.log_size > shownLog ? text.slice(text.indexOf("\n") + 1) : text));
  if (isAtEnd) box.scrollTop = box.scrollHeight;
}
