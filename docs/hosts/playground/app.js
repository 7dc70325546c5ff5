// The page of serve.py: it shows each state that /events brings, and posts what is edited to /do.
// Beside it: panel.js (a peer), wires.js (the animation), tries.js (the experiments). Text from the
// tables is only ever set as text, never as HTML.
"use strict";

const KEPT = { ping: 60, other: 300 }; // lines of the log
const $ = (selector, root = document) => root.querySelector(selector);
let state = null; // the newest from /events
let panels = [];
let last = 0; // the newest line of the log that is shown

// --- small things --------------------------------------------------------------------------------

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

// --- what is written and sent --------------------------------------------------------------------

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
    const { minSeq, maxSeq } = message;
    const which = minSeq === maxSeq ? `patch ${minSeq}` : `patches ${minSeq} to ${maxSeq}`;
    return `asks for ${which} of ${nameOf(message.peer - 1)}`;
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
  details.append(element("summary", event.kind === "sql" ? "statement" : "", text),
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

// --- the whole page ------------------------------------------------------------------------------

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
  if ($("#next")) $("#next").hidden = off.length === 0;
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
