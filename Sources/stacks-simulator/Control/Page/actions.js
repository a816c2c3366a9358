// What the reader can do. The forms are made of the description of the control side, so that they have whatever it takes.

/** The paths with forms: what they are called, which members come first, and what is said when it is done. */
const forms = {
  jobs: { title: "Add jobs", first: ["count", "queue", "priority", "agent_query_rules", "command"], verb: "Add",
    done: (answer) => `${plural(answer.jobs.length, "job")} added.` },
  arrivals: { title: "Let jobs arrive", first: ["rate", "count", "for_seconds", "spread", "queue"], verb: "Start",
    done: (answer) => `${plural(answer.count, "job")} will arrive until ${clock(answer.last_at)}.` },
  queues: { title: "Add a queue", first: ["key"], verb: "Add", done: () => "The queue was added." },
  faults: { title: "Add a fault", first: ["kind", "operation", "status", "count", "delay_ms"], verb: "Add", done: () => "The fault is on." },
  "clock/advance": { title: "Advance the clock", first: ["seconds"], verb: "Advance", done: (answer) => `It is ${clock(answer.now)}.` },
  "jobs/{job}/move": { title: "Move the job", first: ["state"], verb: "Move", done: (answer) => `The job is ${answer.state.replaceAll("_", " ")}.` },
  reset: { title: "Reset the simulator", first: ["seed"], verb: "Reset", done: () => "Everything is as it was at the start.",
    note: "Jobs, stacks, agents, faults and the journal go." },
};
const root = "/_simulator/";
const dialog = byId("dialog");
let description = null;
const labelOf = (name) => name.replaceAll("_", " ").replaceAll(".", " ");
const say = (text) => { byId("said").textContent = visible(text); };

async function send(method, path, body) {
  const response = await fetch(path, { method, cache: "no-store", signal: AbortSignal.timeout(30000),
    ...(body ? { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } } : {}) });
  const text = await response.text();
  const answer = text ? JSON.parse(text) : {};
  if (!response.ok) throw new Error(answer.message ?? `HTTP ${response.status}`);
  return answer;
}

// Forms

/** A control for a member: its element, and what reads it. */
function control(name, schema, world) {
  const id = `field-${name}`;
  const type = [schema.type].flat()[0];
  const options = (values, first) => make("select", { id },
    first !== null && make("option", { value: "" }, first), values.map((value) => make("option", { value }, outside(value))));
  const lines = (element) => element.value.split("\n").map((line) => line.trim()).filter(Boolean);
  const text = (read) => (element) => element.value === "" ? undefined : read(element.value);
  if (name === "queue") return [options([...new Set(world.queues.first.map((queue) => queue.key))], "the default queue"), text(String)];
  if (name === "organization") return [options(world.organizations.first.map((one) => one.slug), "the first one"), text(String)];
  if (name === "state") return [options([...states.map(([state]) => state), ...otherStates(world.by_state)], schema.required ? null : "scheduled"), text(String)];
  if (schema.enum) return [options(schema.enum, schema.required ? null : "–"), text(String)];
  if (type === "boolean") return [options(["true", "false"], "–"), text((value) => value === "true")];
  if (type === "integer" || type === "number") {
    const exact = (bound) => Number.isSafeInteger(Math.trunc(bound)) ? bound : null;
    return [make("input", { id, type: "number", min: exact(schema.minimum), max: exact(schema.maximum), step: type === "integer" ? "1" : "any" }), text(Number)];
  }
  if (type === "array" && schema.items?.type === "string") {
    return [make("textarea", { id, rows: "2", placeholder: "one a line" }), (element) => element.value ? lines(element) : undefined];
  }
  if (type === "array") return [make("textarea", { id, rows: "3", placeholder: "[{…}]" }), text(JSON.parse)];
  if (type === "object") {
    return [make("textarea", { id, rows: "2", placeholder: "name=value, one a line" }), (element) => element.value
      ? Object.fromEntries(lines(element).map((line) => [line.split("=")[0], line.split("=").slice(1).join("=")])) : undefined];
  }
  return [make("input", { id, type: "text", autocomplete: "off", spellcheck: "false",
    placeholder: schema.format === "date-time" ? "2026-01-31T08:30:00Z" : null }), text(String)];
}

/** The members of a schema, those of objects in it too: `build.branch`. */
function membersOf(schema, prefix = "") {
  return Object.entries(schema.properties ?? {}).flatMap(([name, member]) => member.properties ? membersOf(member, `${prefix}${name}.`)
    : [[prefix + name, { ...member, required: !prefix && (schema.required ?? []).includes(name) }]]);
}

/** Opens the form of a path. `values` are those of the path. */
function openForm(path, values, world, done) {
  const form = forms[path];
  const operation = description.paths[root + path].post;
  const members = membersOf(operation.requestBody?.content["application/json"].schema ?? {});
  const readers = [];
  const field = ([name, schema]) => {
    const [element, read] = control(name, schema, world);
    readers.push([name, () => read(element)]);
    if (schema.required) element.required = true;
    return make("p", { class: "field" }, make("label", { for: `field-${name}` }, outside(labelOf(name))), element,
      schema.description && make("small", { class: "quiet" }, outside(schema.description)));
  };
  const first = form.first.map((name) => members.find((member) => member[0] === name)).filter(Boolean);
  const more = members.filter((member) => !form.first.includes(member[0]));
  const failure = make("p", { class: "why bad", role: "alert" });
  const body = make("form", { method: "dialog" }, make("h2", { id: "dialog-title" }, form.title),
    form.note && make("p", { class: "quiet" }, form.note), first.map(field),
    more.length > 0 && make("details", null, make("summary", null, "More"), more.map(field)), failure,
    make("div", { class: "bar" }, make("button", { class: "main" }, form.verb), make("button", { type: "button", "data-dismiss": true }, "Cancel")));
  body.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const answer = await send("POST", path.replace(/\{(.*?)\}/g, (_, name) => encodeURIComponent(values[name])), bodyOf(readers));
      dialog.close();
      say(form.done(answer));
      done();
    } catch (error) {
      failure.textContent = visible(error.message);
    }
  });
  dialog.replaceChildren(body);
  dialog.showModal();
}

function bodyOf(readers) {
  const body = {};
  for (const [name, read] of readers) {
    const value = read();
    if (value === undefined) continue;
    const path = name.split(".");
    const last = path.pop();
    path.reduce((object, key) => object[key] ??= {}, body)[last] = value;
  }
  // Whoever chooses a state that the API does not have means it.
  if (body.state !== undefined && !known.has(body.state)) body.allow_unknown_state ??= true;
  return body;
}

async function openChecks() {
  const { checks } = await getJSON("checks", { limit: 20 });
  dialog.replaceChildren(make("div", null, make("h2", { id: "dialog-title" }, "The rules"),
    make("ul", { class: "checks" }, checks.map((check) => make("li", null,
      make("span", { class: `pill ${check.holds ? "good" : "bad"}` }, check.holds ? "kept" : "broken"), " ", outside(labelOf(check.rule).replaceAll("-", " ")),
      check.violations.map((one) => make("p", { class: "why bad" }, one.job && `job ${one.job}: `, outside(one.explanation))),
      check.violation_count > check.violations.length
        && make("p", { class: "quiet" }, `and ${number(check.violation_count - check.violations.length)} more`)))),
    make("div", { class: "bar" }, make("button", { type: "button", "data-dismiss": true, class: "main" }, "Close"))));
  dialog.showModal();
}

dialog.addEventListener("click", (event) => { if (event.target.closest("[data-dismiss]")) dialog.close(); });

/** Does what a button says, and asks for what came of it. */
async function act({ action, post, delete: removed, organization }, values, world, done) {
  try {
    if (post) await send("POST", post, organization && { organization });
    if (removed) await send("DELETE", removed);
    if (action === "checks") await openChecks();
    else if (action) {
      description ??= await getJSON("openapi.json");
      openForm(action, values, world, done);
    } else {
      say("");
      done();
    }
  } catch (error) {
    say(error.message);
  }
}
