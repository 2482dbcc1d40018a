"use strict";
(() => {
  const ROW = 30, INDENT = 14, DEEPEST = 10, NEAR = 26;
  const MARKS = { inserted: "+", deleted: "−", changed: "~", moved: ">" };
  const data = JSON.parse(document.getElementById("data").textContent);
  const trials = data.trials, known = new Map(trials.map((t) => [t.n, t]));
  const at = (id) => document.getElementById(id);
  const tree = at("tree"), rows = at("rows"), detail = at("detail");
  const SVG = "http://www.w3.org/2000/svg";

  /* Everything that came from outside is set as text, never as markup. */
  const el = (name, attributes, ...parts) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key === "on") for (const [event, act] of Object.entries(value)) made.addEventListener(event, act);
      else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...parts.flat(Infinity).filter((part) => part !== null && part !== undefined && part !== ""));
    return made;
  };
  const score = (t) => (t.metrics && typeof t.metrics.score === "number" ? t.metrics.score : null);
  const size = (t) => (t.metrics && typeof t.metrics.params === "number" ? t.metrics.params : null);
  const short = (v) => {
    if (typeof v !== "number") return String(v);
    for (const [unit, suffix] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
      if (Math.abs(v) >= unit) return `${Number((v / unit).toPrecision(3))}${suffix}`;
    }
    return String(Number(v.toPrecision(4)));
  };
  const full = (v) => (typeof v !== "number" ? String(v) : Number.isInteger(v) ? v.toLocaleString("en") : String(Number(v.toPrecision(5))));
  const signed = (v) => `${v >= 0 ? "+" : "−"}${full(Math.abs(v))}`;

  const children = new Map(trials.map((t) => [t.n, []])), roots = [];
  for (const t of trials) {
    const parent = t.parents && t.parents[0];
    if (parent === undefined || parent >= t.n) roots.push(t.n);
    else children.get(parent).push(t.n);
  }
  const mother = (t) => (t.parents && t.parents[0] < t.n ? known.get(t.parents[0]) : undefined);
  const ancestors = (t) => {
    const found = [];
    for (let one = mother(t); one; one = mother(one)) found.push(one);
    return found;
  };
  const improved = new Set();
  let best = null;
  for (const t of trials) {
    const value = t.status === "done" ? score(t) : null;
    if (value !== null && (best === null || value > score(best))) { best = t; improved.add(t.n); }
  }

  let shown = [], flat = false, numbers = [], place = new Map(), chosen = null, kin = new Set();
  const closed = new Set();

  const unfolded = () => {
    const found = [], stack = roots.map((n) => [n, 1]).reverse();
    while (stack.length) {
      const [n, level] = stack.pop();
      found.push([n, level]);
      if (closed.has(n)) continue;
      const inner = children.get(n);
      for (let i = inner.length - 1; i >= 0; i--) stack.push([inner[i], level + 1]);
    }
    return found;
  };
  const ORDERS = {
    score: (a, b) => (score(b) ?? -Infinity) - (score(a) ?? -Infinity) || a.n - b.n,
    number: (a, b) => a.n - b.n,
    params: (a, b) => (size(a) ?? Infinity) - (size(b) ?? Infinity) || a.n - b.n,
  };
  const gist = (t) => (t.change || t.error || "").split("\n").filter((line) => line && !/^(in @|why:)/.test(line)).join("; ").slice(0, 200);
  const haystack = (t) => [`#${t.n}`, t.operator, t.status, t.change, t.why, t.error, t.digest].join("\n").toLowerCase();
  const list = () => {
    const order = at("order").value, status = at("status").value, words = at("find").value.trim().toLowerCase();
    const wanted = (t) => (!status || t.status === status) && (!words || haystack(t).includes(words));
    flat = order !== "tree" || Boolean(status || words);
    if (!flat) shown = unfolded();
    else shown = trials.filter(wanted).sort(ORDERS[order] || ORDERS.number).map((t) => [t.n, 1]);
    numbers = flat ? shown.map(([n]) => n) : [];
    place = new Map(shown.map(([n], index) => [n, index]));
    rows.style.height = `${shown.length * ROW}px`;
    at("shown").textContent = `${shown.length.toLocaleString("en")} shown`;
    draw();
  };

  const row = (index) => {
    const [n, level] = shown[index], t = known.get(n), inner = flat ? 0 : children.get(n).length;
    const up = mother(t), beside = level > 1 ? children.get(up.n) : flat ? numbers : roots;
    const value = score(t), made = el("div", {
      class: kin.has(n) ? "row kin" : "row", id: `row-${n}`, role: "treeitem", "aria-level": level, "aria-setsize": beside.length,
      "aria-posinset": beside.indexOf(n) + 1, "aria-selected": chosen === n ? "true" : "false",
      "aria-expanded": inner ? (closed.has(n) ? "false" : "true") : null,
      "aria-label": `#${n} ${t.operator || "start"} ${t.status}${value === null ? "" : ` score ${full(value)}`}`,
    },
    el("span", { class: "twist", "aria-hidden": "true" }, inner ? (closed.has(n) ? "▸" : "▾") : ""),
    level > DEEPEST ? el("span", { class: "deep", title: "generation" }, `·${level}`) : null,
    el("span", { class: `mark ${t.status}`, title: t.status }), el("span", { class: "id" }, `#${n}`),
    el("span", { class: "by" }, t.operator || "start"), el("span", { class: "what" }, gist(t)),
    improved.has(n) ? el("span", { class: "star", title: "the best when it was evaluated" }, "★") : null,
    el("span", { class: "score" }, value === null ? t.status : full(value)),
    el("span", { class: "size" }, size(t) === null ? "" : short(size(t))));
    made.style.top = `${index * ROW}px`;
    made.style.paddingLeft = `${6 + (Math.min(level, DEEPEST) - 1) * INDENT}px`;
    made.addEventListener("click", (event) => {
      if (inner && event.target.classList.contains("twist")) fold(n, !closed.has(n));
      else choose(n);
    });
    return made;
  };
  const draw = () => {
    const first = Math.max(0, Math.floor(tree.scrollTop / ROW) - 8);
    const last = Math.min(shown.length, Math.ceil((tree.scrollTop + tree.clientHeight) / ROW) + 8);
    const made = [];
    for (let index = first; index < last; index++) made.push(row(index));
    rows.replaceChildren(...made);
    if (chosen !== null && at(`row-${chosen}`)) tree.setAttribute("aria-activedescendant", `row-${chosen}`);
    else tree.removeAttribute("aria-activedescendant");
  };
  const fold = (n, shut) => { if (shut) closed.add(n); else closed.delete(n); list(); };
  const into = (n) => {
    const index = place.get(n);
    if (index === undefined) return;
    const top = index * ROW;
    if (top < tree.scrollTop) tree.scrollTop = top;
    else if (top + ROW > tree.scrollTop + tree.clientHeight) tree.scrollTop = top + ROW - tree.clientHeight;
  };

  const choose = (n, jump) => {
    const t = known.get(n);
    if (!t) return;
    chosen = n;
    const line = ancestors(t);
    kin = new Set(line.map((one) => one.n));
    if (jump) {
      if (line.some((one) => closed.has(one.n))) { line.forEach((one) => closed.delete(one.n)); list(); }
      if (!place.has(n)) { at("status").value = ""; at("find").value = ""; list(); }
    }
    into(n);
    draw();
    describe(t, line);
    trail(t, line);
    try { history.replaceState(null, "", `#n${n}`); } catch { /* a page in a frame may have no history */ }
  };

  const ref = (n) => el("a", { href: `#n${n}`, class: "candidate" }, `#${n}`);
  const refs = (numbers, most) => {
    const found = numbers.slice(0, most).flatMap((n, i) => [i ? ", " : "", ref(n)]);
    return numbers.length > most ? [...found, ` and ${numbers.length - most} more`] : found;
  };
  const meter = (value) => {
    const fill = el("i", { class: value < 0 ? "below" : null });
    fill.style.width = `${Math.min(100, Math.abs(value) * 100)}%`;
    return el("span", { class: "meter", role: "img", "aria-label": `relevance ${value}`, title: `relevance ${value}` }, fill);
  };
  const metrics = (t) => {
    const parent = t.diff ? known.get(t.diff.of) : mother(t), had = (parent && parent.metrics) || {};
    const items = Object.entries(t.metrics || {}).map(([name, value]) => {
      const gain = typeof value === "number" && typeof had[name] === "number" && value !== had[name] ? ` ${signed(value - had[name])}` : "";
      return el("div", {}, el("dt", {}, name), el("dd", {}, full(value), el("small", {}, gain)));
    });
    if (t.seconds) items.push(el("div", {}, el("dt", {}, "seconds"), el("dd", {}, full(t.seconds))));
    return items.length ? el("dl", { class: "metrics" }, items) : null;
  };
  const difference = (t) => {
    if (!t.diff) return [];
    const body = [];
    for (const [blocks, cls, count, edits] of t.diff.parts) {
      const name = `${blocks || "(top)"}${cls ? `  ${cls}` : ""}${count > 1 ? `  ×${count}` : ""}`;
      body.push(el("tr", { class: "block" }, el("td", { colspan: 4, class: "mono" }, name)));
      for (const [kind, layer, text, relevance] of edits) {
        body.push(el("tr", { class: kind }, el("td", { title: kind, class: "mono" }, MARKS[kind] || ""), el("td", { class: "mono layer" }, layer),
          el("td", { class: "mono" }, text), el("td", {}, relevance === null ? "" : meter(relevance))));
      }
    }
    return [el("h4", {}, "Difference to ", ref(t.diff.of)), el("p", { class: "sub" }, t.diff.summary),
      body.length ? el("div", { class: "scroll" }, el("table", { class: "edits" }, el("tbody", {}, body))) : null];
  };
  const layers = (t) => {
    if (!t.layers) return [];
    const lines = t.layers.map(([name, op, value]) => el("tr", {}, el("td", { class: "mono layer" }, name), el("td", { class: "mono" }, op),
      el("td", { class: "number" }, signed(value)), el("td", {}, meter(value))));
    return [el("details", {}, el("summary", {}, `relevance of ${t.layers.length} layers`),
      el("div", { class: "scroll" }, el("table", { class: "edits" }, el("tbody", {}, lines))))];
  };
  const text = (numbers) => numbers.map((index) => data.lines[index]).join("\n");
  const network = (t) => {
    if (!t.text) return [];
    const whole = text(t.text);
    const copy = el("button", { type: "button", on: { click: async () => {
      try { await navigator.clipboard.writeText(whole); copy.textContent = "copied"; } catch { copy.textContent = "not allowed here"; }
    } } }, "copy");
    return [el("details", { class: "network" }, el("summary", {}, `network, ${t.text.length} lines`), copy, el("pre", { tabindex: 0 }, whole))];
  };
  const calls = (t) => {
    const own = t.calls && new Set(t.calls);
    const found = t.operator || t.parents ? data.calls.filter((call) => call.round === t.round && (!own || own.has(call.id))) : [];
    const title = own ? `what the LLM was asked for it (${found.length})` : `what the LLM was asked in round ${t.round} (${found.length})`;
    if (!found.length) return [];
    const turns = found.map((call, index) => el("details", {},
      el("summary", {}, `${index + 1}. ${call.model}, ${call.tokens[0]} + ${call.tokens[1]} tokens${call.cached ? ", from the cache" : ""}`),
      call.messages.map(([role, lines]) => [el("h4", {}, role), el("pre", { class: "wrap", tabindex: 0 }, text(lines))]),
      el("h4", {}, "answer"), el("pre", { class: call.error ? "error wrap" : "wrap", tabindex: 0 }, call.error || text(call.text))));
    return [el("details", { class: "calls" }, el("summary", {}, title), turns)];
  };
  const describe = (t, line) => {
    const born = children.get(t.n), facts = [];
    if (t.parents) facts.push(el("p", { class: "sub" }, t.parents.length > 1 ? "parents " : "parent ", refs(t.parents, 12)));
    if (line.length > 1) facts.push(el("p", { class: "sub" }, `generation ${line.length}: from `, refs(line.map((one) => one.n).reverse(), 8)));
    if (t.repeat !== undefined) facts.push(el("p", { class: "sub" }, "the same network as ", ref(t.repeat)));
    if (born.length) facts.push(el("p", { class: "sub" }, `${born.length} ${born.length === 1 ? "child" : "children"}: `, refs(born, 12)));
    if (t.digest) facts.push(el("p", { class: "sub" }, "digest ", el("code", {}, t.digest)));
    const parts = [
      el("h3", {}, `#${t.n}`, el("span", { class: "status" }, el("span", { class: `mark ${t.status}`, "aria-hidden": "true" }), t.status),
        improved.has(t.n) ? el("span", { class: "star" }, "★") : null),
      el("p", { class: "sub" }, `${t.operator || "start"} · round ${t.round}`), metrics(t), ...facts,
      t.error ? el("h4", {}, "Error") : null, t.error ? el("pre", { class: "error wrap" }, t.error) : null,
      t.why ? el("h4", {}, "Why") : null, t.why ? el("blockquote", {}, t.why) : null,
      t.change ? el("h4", {}, "Change") : null, t.change ? el("pre", { class: "wrap" }, t.change) : null,
      ...difference(t), ...layers(t), ...network(t), ...calls(t),
      t.notes ? el("details", {}, el("summary", {}, "notes"), el("pre", { class: "wrap" }, t.notes)) : null,
    ];
    detail.replaceChildren(...parts.filter(Boolean));
    detail.scrollTop = 0;
    detail.setAttribute("aria-label", `candidate ${t.n}`);
    said.textContent = `#${t.n}, ${t.operator || "start"}, ${t.status}`;
  };

  const move = (step) => {
    const index = place.get(chosen) ?? -1;
    const next = Math.max(0, Math.min(shown.length - 1, index + step));
    if (shown.length) choose(shown[next][0]);
  };
  const KEYS = {
    ArrowDown: () => move(1), ArrowUp: () => move(-1), Home: () => move(-shown.length), End: () => move(shown.length),
    PageDown: () => move(Math.floor(tree.clientHeight / ROW)), PageUp: () => move(-Math.floor(tree.clientHeight / ROW)),
    ArrowLeft: () => {
      const t = known.get(chosen), up = t && mother(t);
      if (t && children.get(t.n).length && !closed.has(t.n) && !flat) fold(t.n, true);
      else if (up) choose(up.n);
    },
    ArrowRight: () => {
      if (closed.has(chosen)) fold(chosen, false);
      else if (chosen !== null && children.get(chosen).length) choose(children.get(chosen)[0]);
    },
    Enter: () => detail.focus(),
  };
  tree.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  tree.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
  new ResizeObserver(draw).observe(tree);
  for (const id of ["order", "status"]) at(id).addEventListener("change", list);
  at("find").addEventListener("input", list);
  at("to-best").addEventListener("click", () => best && choose(best.n, true));

  /* Charts: what lies under the pointer, and the chosen candidate with the line of its ancestors. */
  const tip = el("div", { id: "tip", hidden: true }), said = el("p", { class: "said", role: "status" });
  document.body.append(tip, said);
  const charts = [...document.querySelectorAll("svg.chart")].map((svg) => {
    const points = [...svg.querySelectorAll("circle[data-n]")].map((c) => [Number(c.getAttribute("cx")), Number(c.getAttribute("cy")), Number(c.dataset.n)]);
    return { svg, points, where: new Map(points.map(([x, y, n]) => [n, [x, y]])), over: svg.querySelector(".overlay") };
  });
  const nearest = (chart, event) => {
    const box = chart.svg.getBoundingClientRect(), scale = chart.svg.viewBox.baseVal.width / box.width;
    const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
    let found = null, least = (NEAR * scale) ** 2;
    for (const point of chart.points) {
      const distance = (point[0] - x) ** 2 + (point[1] - y) ** 2;
      if (distance < least) { least = distance; found = point[2]; }
    }
    return found;
  };
  for (const chart of charts) {
    if (!chart.points.length) continue;
    chart.svg.addEventListener("pointermove", (event) => {
      const n = nearest(chart, event), t = known.get(n);
      tip.hidden = !t;
      chart.svg.style.cursor = t ? "pointer" : "";
      if (!t) return;
      const facts = Object.entries(t.metrics || {}).slice(0, 3).map(([name, value]) => `${name} ${full(value)}`);
      tip.textContent = [`#${n} ${t.operator || "start"}`, ...facts].join(" · ");
      tip.style.left = `${Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8)}px`;
      tip.style.top = `${Math.max(4, event.clientY - tip.offsetHeight - 10)}px`;
    });
    chart.svg.addEventListener("pointerleave", () => { tip.hidden = true; });
    chart.svg.addEventListener("click", (event) => {
      const n = nearest(chart, event);
      if (n !== null) choose(n, true);
    });
  }
  const drawn = (name, attributes) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const trail = (t, line) => {
    for (const { where, over } of charts) {
      const places = [t, ...line].map((one) => where.get(one.n)).filter(Boolean), parts = [];
      if (places.length > 1) parts.push(drawn("polyline", { class: "trail", points: places.map((p) => p.join(",")).join(" ") }));
      const here = where.get(t.n);
      if (here) parts.push(drawn("circle", { class: "ring", cx: here[0], cy: here[1], r: 7 }));
      over.replaceChildren(...parts);
    }
  };

  for (const button of document.querySelectorAll("button[data-show]")) {
    button.addEventListener("click", () => {
      const name = button.dataset.show;
      for (const panel of document.querySelectorAll("[data-panel]")) panel.hidden = panel.dataset.panel !== name;
      for (const other of document.querySelectorAll("button[data-show]")) other.setAttribute("aria-pressed", String(other === button));
    });
  }
  const themes = ["", "light", "dark"];
  at("theme").addEventListener("click", () => {
    const root = document.documentElement, next = themes[(themes.indexOf(root.dataset.theme || "") + 1) % themes.length];
    if (next) root.dataset.theme = next; else delete root.dataset.theme;
    at("theme").textContent = next ? `theme: ${next}` : "theme";
  });

  const asked = () => { const found = /^#n(\d+)$/.exec(location.hash); return found ? Number(found[1]) : null; };
  window.addEventListener("hashchange", () => {
    const n = asked();
    if (n === null) return;
    choose(n, true);
    at("candidates").scrollIntoView({ block: "start" });
  });
  list();
  const start = asked() ?? (best || trials[0] || {}).n;
  if (start !== undefined) choose(start, true);
})();
