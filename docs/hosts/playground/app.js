// The page of serve.py: it shows each state that /events brings, and posts what is edited to /do.
// Beside it: panel.js (a peer), row.js (a row of its table), wires.js (the animation), log.js (what
// is written and sent), tries.js (the experiments). Text from the tables is only ever set as text,
// never as HTML.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
let state = null; // the newest from /events
let panels = [];

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
  const step = digests.size > 1 ? 2 : off.length > 0 ? 1 : 0;
  document.querySelectorAll("#steps li").forEach((item, i) => {
    if (i === step) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  });
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
