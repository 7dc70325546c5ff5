// The page of serve.py: it shows each state that /events brings, and posts what is edited to /do.
// Text from the tables is only ever set as text, never as HTML.
"use strict";

const COLUMNS = ["title", "room", "starts", "ends"];
const LABELS = { title: "Title", room: "Room", starts: "From", ends: "To" };
const TRAVEL_MS = 600; // as long as a message takes in cluster.py
const KEPT = { ping: 60, other: 300 }; // lines of the log
const $ = (selector, root = document) => root.querySelector(selector);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let state = null; // the newest from /events
let panels = [];
let last = 0; // the newest line of the log that is shown

// --- small things -------------------------------------------------------------------------------

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function badge(index) { // of a peer; -1 is none that is known
  const name = state.peers[index]?.name ?? "?";
  const made = element("span", `badge ${name.toLowerCase()}`, name[0]);
  made.setAttribute("aria-hidden", "true");
  return made;
}

const nameOf = (index) => state.peers[index]?.name ?? "somebody";
const clock = (ms) => new Date(ms).toLocaleTimeString("en-GB");
const rowsOf = (peer) => peer.rows.map(([id, ...values]) => ({ id, values }));
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function isLevel() {
  const [first, ...others] = state.peers;
  return others.every((p) => p.digest === first.digest && p.vector === first.vector);
}

async function post(body) {
  let answer;
  try {
    answer = await fetch("/do", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
  } catch {
    throw new Error("The program behind this page does not answer.");
  }
  if (!answer.ok) throw new Error(await answer.text());
}

const link = (index, on) => post({ do: "link", peer: index, on });
const linkAll = (on) => Promise.all(state.peers.map((_, index) => link(index, on)));

function explain(text) { // SQLite's words, or replic's, in ours
  if (/UNIQUE.*\.room/.test(text)) return "Another talk has this room.";
  if (/CHECK.*ends after/.test(text)) return "A talk has to end after it starts.";
  if (/NOT NULL.*title/.test(text)) return "A talk needs a title.";
  if (/NOT NULL/.test(text)) return "A talk needs its hours.";
  if (/cannot store/.test(text)) return "Hours are whole numbers, such as 14.";
  if (/^This|^The program/.test(text)) return text;
  return "SQLite refuses this.";
}

function showError(place, text) {
  place.replaceChildren(explain(text));
  if (explain(text) !== text) place.append(element("code", "", text));
  place.hidden = false;
}

// --- one peer -----------------------------------------------------------------------------------

class Panel {
  constructor(index) {
    const peer = state.peers[index];
    this.index = index;
    this.rows = new Map(); // id -> Row
    this.root = $("#peer").content.cloneNode(true).firstElementChild;
    this.root.classList.add(peer.name.toLowerCase());
    this.root.id = `peer-${index}`;
    this.root.setAttribute("aria-label", peer.name);
    $("h2", this.root).textContent = peer.name;
    $(".badge", this.root).textContent = peer.name[0];
    this.link = $(".switch", this.root);
    this.link.setAttribute("aria-label", `${peer.name} is connected`);
    this.link.onclick = () => link(index, !state.peers[index].on).catch((e) => this.fail(e));
    $(".add", this.root).onclick = () => this.add();
  }

  fail(error) {
    showError($(".error", this.root), error.message);
  }

  async add() {
    const id = newId();
    try {
      await post({ do: "add", peer: this.index, id, title: "New talk", room: null,
                   starts: 9, ends: 10 });
      $(".error", this.root).hidden = true;
      for (let i = 0; i < 20 && !this.rows.has(id); i++) await pause(50);
      this.rows.get(id)?.cells.title.input.select();
    } catch (error) {
      this.fail(error);
    }
  }

  show(peer) {
    this.root.classList.toggle("off", !peer.on);
    this.link.setAttribute("aria-checked", peer.on);
    $(".text", this.link).textContent = peer.on ? "connected" : "cut off";
    $(".digest code", this.root).textContent = peer.digest;
    const wrote = new Map(); // id -> column -> {value, by, ms}
    for (const [id, column, value, by, ms] of peer.wrote) {
      if (!wrote.has(id)) wrote.set(id, {});
      wrote.get(id)[column] = { value, by: by - 1, ms };
    }
    const shown = new Set(peer.rows.map(([id]) => id));
    for (const [id, row] of this.rows) {
      if (!shown.has(id)) {
        row.remove();
        this.rows.delete(id);
      }
    }
    let before = null;
    for (const { id, values } of rowsOf(peer)) {
      if (!this.rows.has(id)) this.rows.set(id, new Row(this, id, before));
      before = this.rows.get(id);
      before.show(values, wrote.get(id) ?? {});
    }
    $(".deleted", this.root).replaceChildren(...[...wrote].filter(
      ([id, row]) => !shown.has(id) && row.deletedAt).map(([, row]) => {
      const item = element("li");
      const { by, ms } = row.deletedAt;
      item.append(element("s", "", row.title?.value ?? "A talk"), " deleted by ", badge(by),
                  ` ${nameOf(by)}, ${clock(ms)}`);
      return item;
    }));
    this.showParked(peer);
  }

  showParked(peer) {
    const count = peer.parked.length;
    const box = $(".parked", this.root);
    box.hidden = count === 0;
    $("h3", box).textContent = count === 1 ? "1 change waits" : `${count} changes wait`;
    $("ul", box).replaceChildren(...peer.parked.map(([by, ms, delta, , detail]) => {
      const item = element("li");
      item.append(badge(by - 1), ` ${nameOf(by - 1)}, ${clock(ms)}: ${words(JSON.parse(delta))}. `,
                  element("strong", "", explain(detail)), element("code", "", detail));
      return item;
    }));
  }
}

class Row {
  constructor(panel, id, before) {
    this.panel = panel;
    this.id = id;
    this.tr = element("tr");
    this.errorRow = element("tr");
    this.errorRow.hidden = true;
    const cell = element("td", "error-cell");
    cell.colSpan = 5;
    this.error = element("p", "error");
    this.error.id = `error-${panel.index}-${id}`;
    this.error.setAttribute("role", "alert");
    cell.append(this.error);
    this.errorRow.append(cell);
    this.cells = {};
    for (const column of COLUMNS) this.tr.append(this.makeCell(column));
    this.button = element("button", "delete", "×");
    this.button.type = "button";
    this.button.onclick = () => this.write({ do: "delete" });
    this.tr.append(element("td"));
    this.tr.lastElementChild.append(this.button);
    if (before) before.errorRow.after(this.tr, this.errorRow);
    else $("tbody", panel.root).prepend(this.tr, this.errorRow);
  }

  makeCell(column) {
    const td = element("td");
    const input = element("input");
    const who = element("span", "who");
    input.name = column;
    input.autocomplete = "off";
    input.spellcheck = false;
    input.onchange = () => this.commit(column);
    input.onkeydown = (event) => {
      if (event.key === "Escape") this.revert();
    };
    td.append(input, who);
    this.cells[column] = { td, input, who, value: "", stamp: "" };
    return td;
  }

  show(values, wrote) {
    const title = values[0];
    this.button.setAttribute("aria-label", `Delete “${title}”`);
    COLUMNS.forEach((column, i) => {
      const cell = this.cells[column];
      const text = values[i] === null ? "" : String(values[i]);
      const isEdited = (cell.input === document.activeElement && cell.input.value !== cell.value)
        || cell.input.ariaInvalid === "true" || cell.input.dataset.busy;
      if (!isEdited) cell.input.value = text;
      cell.value = text;
      cell.input.setAttribute("aria-label", `${LABELS[column]} of “${title}” at ${this.panel.root
        .getAttribute("aria-label")}`);
      const { by, ms } = wrote[column] ?? wrote.id ?? {};
      if (cell.stamp === `${by}/${ms}`) return;
      const isFirst = cell.stamp === "";
      cell.stamp = `${by}/${ms}`;
      const time = ms === undefined ? "" : clock(ms);
      cell.who.replaceChildren(badge(by), element("span", "hidden", `${nameOf(by)} wrote this at`),
                               ` ${i < 2 ? time : time.slice(0, 5)}`);
      cell.td.title = `${nameOf(by)} wrote this at ${time}`;
      if (!isFirst) this.flash(cell.td, by);
    });
  }

  flash(td, by) {
    td.className = "";
    td.offsetWidth; // so that the animation starts again
    td.className = `fresh ${nameOf(by).toLowerCase()}`;
  }

  async commit(column) {
    const { input, value } = this.cells[column];
    if (input.value === value) return this.revert();
    const text = input.value;
    const isHour = column === "starts" || column === "ends";
    const written = text === "" ? null : isHour && /^\s*-?\d{1,15}\s*$/.test(text) ? Number(text) : text;
    input.dataset.busy = "yes";
    await this.write({ do: column, value: written }, input);
    delete input.dataset.busy;
  }

  async write(request, input) {
    try {
      await post({ ...request, peer: this.panel.index, id: this.id });
      this.clearError();
    } catch (error) {
      showError(this.error, error.message);
      this.errorRow.hidden = false;
      if (!input) return;
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", this.error.id);
    }
  }

  revert() {
    for (const cell of Object.values(this.cells)) cell.input.value = cell.value;
    this.clearError();
  }

  clearError() {
    this.errorRow.hidden = true;
    this.error.replaceChildren();
    for (const { input } of Object.values(this.cells)) {
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
    }
  }

  remove() {
    this.tr.remove();
    this.errorRow.remove();
  }
}

function newId() {
  return Date.now().toString(36) + Math.random().toString(36).slice(2, 6);
}

// --- what is written and sent -------------------------------------------------------------------

function words(delta) { // of a patch
  if (delta.deletedAt) return "deleted";
  const titled = state.peers.flatMap(rowsOf).find((row) => row.id === delta.id)?.values[0];
  const parts = Object.entries(delta).filter(([name]) => name !== "id")
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  return parts.join(", ") + (titled && !delta.title ? ` of “${titled}”` : "");
}

function describe(message) {
  if (message.type === 10) {
    return `patch ${message.seq} of ${nameOf(message.peer - 1)}: ${words(message.delta)}`;
  }
  if (message.type === 20) return "ping: what I have, and how far";
  if (message.type === 30) {
    return `asks for ${message.minSeq} to ${message.maxSeq} of ${nameOf(message.peer - 1)}`;
  }
  return `message of type ${message.type}`;
}

function logLine(event) {
  const item = element("li");
  const route = element("span", "route");
  let text = event.text;
  route.append(badge(event.source));
  item.append(element("time", "", clock(event.ms)), route);
  if (event.kind === "link") {
    item.append(`${nameOf(event.source)} is ${event.on ? "connected again" : "cut off"}`);
    return item;
  }
  if (event.kind !== "sql") {
    const message = JSON.parse(event.text);
    text = (event.kind === "lost" ? "lost on its way: " : "") + describe(message);
    route.append(" → ", badge(event.target));
    item.className = event.kind === "lost" ? "lost" : message.type === 20 ? "ping" : "";
  }
  const details = element("details");
  details.append(element("summary", event.kind === "sql" ? "text-mono" : "", text),
                 element("pre", "", event.text));
  item.append(details);
  return item;
}

function showLog(events) {
  const list = $("#log");
  const fresh = events.filter((event) => event.n > last);
  for (const event of fresh) {
    list.prepend(logLine(event));
    if (event.kind === "lost") wires.lose(event.of);
    if (event.kind === "message" && last > 0) wires.fly(event);
  }
  last = Math.max(last, ...fresh.map((event) => event.n));
  const seen = { ping: 0, other: 0 };
  for (const item of [...list.children]) {
    const kind = item.className === "ping" ? "ping" : "other";
    if (++seen[kind] > KEPT[kind]) item.remove();
  }
}

// --- the wires, on which messages are seen ------------------------------------------------------

const wires = {
  svg: $("#wires"),
  dots: new Map(), // number of the message -> its dot

  make(tag, attributes) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  },

  place(index) {
    return { x: this.svg.clientWidth * (2 * index + 1) / 6, y: this.svg.clientHeight - 26 };
  },

  bend(source, target) { // the control point of the curve between two peers
    const [a, b] = [this.place(source), this.place(target)];
    return { x: (a.x + b.x) / 2, y: Math.abs(source - target) === 1 ? a.y - 36 : a.y - 120 };
  },

  draw() {
    if (!state) return;
    const parts = [];
    for (const [a, b] of [[0, 1], [1, 2], [0, 2]]) {
      const [from, to, bend] = [this.place(a), this.place(b), this.bend(a, b)];
      const on = state.peers[a].on && state.peers[b].on;
      parts.push(this.make("path", { class: on ? "" : "off",
        d: `M${from.x} ${from.y}Q${bend.x} ${bend.y} ${to.x} ${to.y}` }));
    }
    state.peers.forEach((peer, index) => {
      const { x, y } = this.place(index);
      const group = this.make("g", { class: peer.name.toLowerCase() });
      const letter = this.make("text", { x, y });
      letter.textContent = peer.name[0];
      group.append(this.make("circle", { class: `node ${peer.on ? "" : "off"}`, cx: x, cy: y, r: 17 }),
                   letter);
      parts.push(group);
    });
    this.svg.replaceChildren(...parts, ...[...this.dots.values()].map(({ dot }) => dot));
  },

  fly({ n, source, target, text }) {
    if (calm.matches || document.hidden) return;
    const kind = { 10: "patch", 20: "ping" }[JSON.parse(text).type] ?? "request";
    const group = this.make("g", { class: nameOf(source).toLowerCase() });
    const circle = this.make("circle", { class: kind, r: { patch: 7, ping: 3, request: 5 }[kind] });
    const ahead = [...this.dots.values()].filter((d) => d.way === `${source}${target}`).length;
    const start = performance.now() + 50 * Math.min(ahead, 4);
    const flight = { dot: group, circle, way: `${source}${target}` };
    group.append(circle);
    this.dots.set(n, flight);
    this.svg.append(group);
    const step = (now) => {
      const t = Math.max(0, (now - start) / TRAVEL_MS);
      if (t >= 1 || flight.isLost) {
        this.dots.delete(n);
        setTimeout(() => group.remove(), flight.isLost ? 500 : 0);
        return;
      }
      const [a, c, b] = [this.place(source), this.bend(source, target), this.place(target)];
      const at = (axis) => (1 - t) ** 2 * a[axis] + 2 * t * (1 - t) * c[axis] + t * t * b[axis];
      circle.setAttribute("cx", at("x"));
      circle.setAttribute("cy", at("y"));
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  },

  lose(n) {
    const flight = this.dots.get(n);
    if (!flight) return;
    flight.isLost = true;
    flight.circle.setAttribute("class", "lost");
  },
};

// --- experiments --------------------------------------------------------------------------------

function freeRoom() {
  const taken = new Set(state.peers.flatMap(rowsOf).map((row) => row.values[1]));
  for (let i = 1; ; i++) {
    const room = ["Attic", "Library", "Studio", "Cellar"][i - 1] ?? `Room ${i}`;
    if (!taken.has(room)) return room;
  }
}

async function untilLevel() {
  await linkAll(true);
  for (let i = 0; i < 150; i++) {
    await pause(50);
    if (isLevel() && state.peers.every((peer) => peer.on)) return;
  }
  throw new Error("The three are not level yet; try again in a moment.");
}

// Makes them level, with the talk that is to be edited, and cuts them off.
async function apart(talk) {
  await untilLevel();
  const id = newId();
  if (talk) {
    await post({ do: "add", peer: 0, id, room: null, starts: 9, ends: 12, ...talk });
    await pause(100); // the page shows it
    await untilLevel();
  }
  await linkAll(false);
  return (peer, column, value) => post({ do: column, peer, id, value });
}

const TRIES = {
  async columns() {
    const write = await apart({ title: "Stars over town" });
    await write(0, "title", "Stars over the town");
    await write(1, "room", freeRoom());
    return "Ada renamed the talk, Ben gave it a room. These are two columns: both changes will stay.";
  },
  async cell() {
    const write = await apart({ title: "Knots" });
    await write(0, "title", "Knots for sailors");
    await write(1, "title", "Knots for climbers");
    await write(2, "title", "Knots for everyone");
    return "All three renamed one talk. Cleo was the last to write, so her title will win everywhere.";
  },
  async room() {
    await apart();
    const room = freeRoom();
    const hours = { room, starts: 14, ends: 15 };
    await post({ do: "add", peer: 1, id: newId(), title: "Owls by night", ...hours });
    await post({ do: "add", peer: 2, id: newId(), title: "Clay and glaze", ...hours });
    return `Ben and Cleo each gave the ${room} away, and a room takes one talk (UNIQUE). Ben was `
      + "first; Cleo’s talk will wait, until his moves or is deleted.";
  },
  async hours() {
    const write = await apart({ title: "A long walk" });
    await write(0, "starts", 11);
    await write(1, "ends", 10);
    return "Ada moved the start to 11, Ben the end to 10. Each is fine alone; together the talk "
      + "would end before it starts (CHECK). The later change will wait, until the hours fit.";
  },
  async delete() {
    const write = await apart({ title: "Cheese at home" });
    await write(0, "delete");
    await write(1, "title", "Cheese at home, with tasting");
    return "Ada deleted the talk that Ben renamed. It will be gone everywhere: a deletion is a write "
      + "to the row like any other, and nobody has taken it back.";
  },
};

async function attempt(button) {
  const story = $("#story");
  const buttons = document.querySelectorAll("[data-try]");
  story.hidden = false;
  story.textContent = "First all three are made level, then cut off…";
  for (const other of buttons) other.setAttribute("aria-disabled", "true");
  try {
    story.textContent = `${await TRIES[button.dataset.try]()} Now press “Reconnect all”.`;
  } catch (error) {
    showError(story, error.message);
  }
  for (const other of buttons) other.removeAttribute("aria-disabled");
}

// --- the whole page -----------------------------------------------------------------------------

function showLevel() {
  const off = state.peers.filter((peer) => !peer.on).map((peer) => peer.name);
  const who = { 0: "", 1: `; ${off[0]} is cut off`, 2: `; ${off.join(" and ")} are cut off`,
                3: "; all are cut off" }[off.length];
  const same = isLevel();
  const digests = new Set(state.peers.map((peer) => peer.digest));
  const text = (same ? "All three show the same table"
    : digests.size === 1 ? "The same rows, not yet the same news" : "The tables differ") + who;
  const level = $("#level");
  level.classList.toggle("same", same);
  if (level.textContent !== text) level.textContent = text;
  $("#all").textContent = off.length ? "Reconnect all" : "Cut all off";
}

function show(next) {
  if (state?.run !== next.run) { // the first one, or the program was started again
    state = next;
    last = 0;
    $("#log").replaceChildren();
    panels = next.peers.map((_, index) => new Panel(index));
    $("#peers").replaceChildren(...panels.map((panel) => panel.root));
    $("#schema").textContent = next.schema;
    $("#folder").textContent = next.folder;
  }
  state = next;
  panels.forEach((panel, index) => panel.show(next.peers[index]));
  showLevel();
  wires.draw();
  showLog(next.log);
}

const events = new EventSource("/events");
events.onmessage = ({ data }) => {
  $("#offline").hidden = true;
  show(JSON.parse(data));
};
events.onerror = () => { $("#offline").hidden = false; };
addEventListener("resize", () => wires.draw());
$("#all").onclick = () => state && linkAll(state.peers.some((peer) => !peer.on)).catch(() => {});
$("#pings").onchange = (event) => $("#log").classList.toggle("pings", event.target.checked);
for (const button of document.querySelectorAll("[data-try]")) {
  button.onclick = () => state && !button.ariaDisabled && attempt(button);
}
