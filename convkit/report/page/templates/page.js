"use strict";
(() => {
  const find = (id) => document.getElementById(id);
  document.documentElement.classList.add("js");

  // Regions are landmarks and stops of the tab key only while there is something to scroll.
  const regions = () => {
    for (const region of document.querySelectorAll(".scroll")) {
      const wide = region.scrollWidth > region.clientWidth + 1;
      for (const [name, value] of [["role", "region"], ["tabindex", "0"]]) {
        if (wide) region.setAttribute(name, value);
        else region.removeAttribute(name);
      }
    }
  };
  regions();
  addEventListener("resize", regions);

  // The slider: all that it shows was computed beforehand.
  const walk = find("walk");
  if (walk) {
    const stops = JSON.parse(walk.textContent);
    const slider = find("step");
    const cells = find("moving").querySelectorAll("tbody td");
    const picture = find("moving").querySelector("img");
    const show = () => {
      const stop = stops[slider.valueAsNumber];
      find("told").textContent = stop.told;
      find("loss").textContent = stop.loss;
      slider.setAttribute("aria-valuetext", `${stop.told}, loss ${stop.loss}`);
      find("marker").setAttribute("cx", stop.x);
      find("marker").setAttribute("cy", stop.y);
      find("across").setAttribute("d", stop.across);
      find("down").setAttribute("d", stop.down);
      if (picture) picture.src = stop.picture;
      cells.forEach((cell, index) => {
        cell.textContent = stop.taps[index];
        cell.className = stop.tones[index];
      });
    };
    slider.addEventListener("input", show);
    show();
  }

  // The wipe: by its slider, or by dragging over the pictures.
  const wipe = find("wipe");
  if (wipe) {
    const stage = document.querySelector(".stage");
    const show = () => stage.style.setProperty("--wipe", `${wipe.value}%`);
    const drag = (event) => {
      if (event.type === "pointermove" && !event.buttons) return;
      const box = stage.getBoundingClientRect();
      wipe.value = (100 * (event.clientX - box.left)) / box.width;
      show();
    };
    wipe.addEventListener("input", show);
    stage.addEventListener("pointerdown", drag);
    stage.addEventListener("pointermove", drag);
    show();
  }

  // Tables that can be sorted: numbers as numbers, words as words, what is missing last.
  const number = (text) => (/^[><]? ?[-+]?[\d.]+(e[-+]?\d+)?( ?(se|x|%))?$/i.test(text) ? parseFloat(text.replace(/^[><] ?/, "")) : NaN);
  const compare = (one, other) => {
    const a = number(one);
    const b = number(other);
    if (!Number.isNaN(a) && !Number.isNaN(b)) return a - b;
    return one.localeCompare(other, "en", { numeric: true });
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    const headers = [...table.tHead.rows[0].cells];
    headers.forEach((header, column) => {
      header.querySelector("button").addEventListener("click", () => {
        const falling = header.getAttribute("aria-sort") === "ascending";
        headers.forEach((each) => each.removeAttribute("aria-sort"));
        header.setAttribute("aria-sort", falling ? "descending" : "ascending");
        const text = (row) => row.cells[column].textContent.trim();
        const rows = [...body.rows].sort((one, other) => {
          const [a, b] = [text(one), text(other)];
          if ((a === "—") !== (b === "—")) return a === "—" ? 1 : -1;
          return falling ? compare(b, a) : compare(a, b);
        });
        body.append(...rows);
      });
    });
  }

  // The record as a file.
  find("download").addEventListener("click", () => {
    const record = new Blob([`${find("record").textContent}\n`], { type: "application/json" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(record);
    link.download = find("download").dataset.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });

  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details")) one.open = true;
  });
})();
