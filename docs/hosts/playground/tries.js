// The experiments that a button starts: edits of the three, made while they are apart.
"use strict";

function freeRoom() {
  const taken = new Set(state.peers.flatMap(rowsOf).map((row) => row.values[1]));
  for (let i = 1; ; i++) {
    const room = ["Attic", "Library", "Studio", "Cellar"][i - 1] ?? `Room ${i}`;
    if (!taken.has(room)) return room;
  }
}

async function untilLevel() {
  await linkAll(true);
  for (let i = 0; i < 400; i++) {
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
    const write = await apart({ title: "Stargazing" });
    await write(0, "title", "Stars over town");
    await write(1, "room", freeRoom());
    return "Ada renamed the talk, Ben gave it a room. These are two columns of the row: both "
      + "changes stay.";
  },
  async cell() {
    const write = await apart({ title: "Knots" });
    await write(0, "title", "Knots for sailors");
    await write(1, "title", "Knots for climbers");
    await write(2, "title", "Knots for all");
    return "All three renamed one talk. Cleo was the last to write, so her title wins "
      + "everywhere.";
  },
  async room() {
    await apart();
    const room = freeRoom();
    const hours = { room, starts: 14, ends: 15 };
    await post({ do: "add", peer: 1, id: newId(), title: "Owls by night", ...hours });
    await post({ do: "add", peer: 2, id: newId(), title: "Clay and glaze", ...hours });
    return `Ben and Cleo each gave the ${room} away, and a room takes one talk (UNIQUE). Ben was `
      + "first; Cleo’s talk waits, until his moves or is deleted.";
  },
  async hours() {
    const write = await apart({ title: "A long walk" });
    await write(0, "starts", 11);
    await write(1, "ends", 10);
    return "Ada moved the start to 11, Ben the end to 10. Each is fine alone; together the talk "
      + "would end before it starts (CHECK). The later change waits, until the hours fit.";
  },
  async delete() {
    const write = await apart({ title: "Cheese at home" });
    await write(0, "delete");
    await write(1, "title", "Cheese at home, with tasting");
    return "Ada deleted the talk that Ben renamed. It is gone everywhere: a deletion is a write to "
      + "the row like any other, and nobody has taken it back.";
  },
};

async function attempt(button) {
  const story = $("#story");
  const buttons = document.querySelectorAll("[data-try]");
  story.hidden = false;
  story.textContent = "First all three are made level, then cut off…";
  for (const other of buttons) other.setAttribute("aria-disabled", "true");
  try {
    const next = element("strong", "", " Now press “Reconnect all”.");
    next.id = "next";
    story.replaceChildren(await TRIES[button.dataset.try](), next);
  } catch (error) {
    showError(story, error.message);
  }
  for (const other of buttons) other.removeAttribute("aria-disabled");
}
