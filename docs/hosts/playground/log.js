// What is written and sent: a line for each statement, message and cut.
"use strict";

const KEPT = { ping: 60, other: 300 }; // lines of the log
let last = 0; // the newest line that is shown

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
