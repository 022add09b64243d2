/** The page's only style sheet. Two palettes, one of which paper gets; no font or picture from anywhere. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --sheet: #f6f7f9; --ink: #1a1f27; --soft: #5a6472; --line: #dfe3e9; --tick: #e9ecf0;
  --good: #14713d; --good-wash: #e3f3e9; --bad: #b3211d; --bad-wash: #fbe9e8;
  --done: #3b6ea8; --waits: #93a1b3; --stopped: #b98112; --writes: #d58a12; --reads: #c23b2e; --mild: #9fb0c3;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171c; --sheet: #1c2027; --ink: #e6e9ee; --soft: #9aa5b3; --line: #313843; --tick: #272d36;
    --good: #62c98d; --good-wash: #17301f; --bad: #ff8a80; --bad-wash: #3a1d1c;
    --done: #6ea3dd; --waits: #6b7888; --stopped: #d9a441; --writes: #e5a13a; --reads: #ef6b5e; --mild: #56677b;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 40px 28px 64px; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .87em; overflow-wrap: anywhere; }
small { display: block; color: var(--soft); font-size: .82em; font-weight: 400; overflow-wrap: anywhere; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 0 0 4px; }
h3 { font-size: 1rem; margin: 24px 0 4px; }
h4 { font-size: .87rem; margin: 16px 0 0; color: var(--soft); }
p { margin: 0 0 10px; }
section { margin-top: 52px; }
.lead, .key { color: var(--soft); max-width: 78ch; }
.empty { padding: 10px 14px; background: var(--good-wash); color: var(--good); border-radius: 6px; }
.brand { color: var(--soft); font-size: .85rem; margin-bottom: 18px; }
.title { display: flex; align-items: center; justify-content: space-between; gap: 24px; }
.seal { margin: 0; padding: 6px 18px; border: 2px solid; border-radius: 6px; font-weight: 700; font-size: 1.15rem; letter-spacing: .06em; white-space: nowrap; }
.seal.good { color: var(--good); background: var(--good-wash); }
.seal.bad { color: var(--bad); background: var(--bad-wash); }
.seal.neutral { color: var(--soft); background: var(--sheet); }
.id { color: var(--soft); margin: 6px 0 0; }
.id code, .id strong { color: var(--ink); }
.failure { margin-top: 18px; padding: 12px 16px; background: var(--bad-wash); border-left: 3px solid var(--bad); border-radius: 4px; overflow-wrap: anywhere; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(290px, 1fr)); gap: 14px 32px; margin: 28px 0 0; }
.facts dt { color: var(--soft); font-size: .82rem; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(165px, 1fr)); gap: 12px; list-style: none; margin: 32px 0 0; padding: 0; }
.tiles li { background: var(--sheet); border-radius: 8px; padding: 14px 16px; border-top: 3px solid var(--line); }
.tiles li.over { border-top-color: var(--bad); background: var(--bad-wash); }
.tiles span { color: var(--soft); font-size: .82rem; }
.tiles strong { display: block; font-size: 1.45rem; line-height: 1.35; font-variant-numeric: tabular-nums; }
.tiles li.over strong, .tiles li.over small { color: var(--bad); }
.findings { list-style: none; margin: 12px 0 0; padding: 0; display: grid; gap: 10px; }
.findings li { padding: 12px 16px; background: var(--bad-wash); border-left: 3px solid var(--bad); border-radius: 4px; overflow-wrap: anywhere; }
.findings p { margin: 0 0 4px; }
.wide { overflow-x: auto; margin-top: 12px; }
table { width: 100%; border-collapse: collapse; font-size: .93em; }
th, td { text-align: left; vertical-align: top; padding: 7px 12px 7px 0; border-bottom: 1px solid var(--line); font-weight: 400; }
thead th { color: var(--soft); font-size: .8rem; vertical-align: bottom; white-space: nowrap; }
tr > :last-child { padding-right: 0; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.number small { white-space: nowrap; }
.timeline tbody th, .locks tbody th { width: 31%; }
.timeline td.word { white-space: nowrap; padding-left: 16px; } .timeline thead th:nth-child(4) { padding-left: 16px; }
.locks td.word { width: 21%; font-size: .85rem; }
th.chart, td.chart { width: 36%; padding-right: 32px; padding-left: 8px; }
td.chart { vertical-align: middle; padding-top: 0; padding-bottom: 0; }
.bar { display: block; width: 100%; height: 34px; overflow: visible; }
.bar line { vector-effect: non-scaling-stroke; stroke-width: 1; }
.bar .tick { stroke: var(--tick); }
.bar .limit { stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 4 3; }
rect.done { fill: var(--done); } rect.waits { fill: var(--waits); } rect.stopped { fill: var(--stopped); }
rect.failed, rect.reads { fill: var(--reads); } rect.writes { fill: var(--writes); } rect.mild { fill: var(--mild); }
.axis { display: flex; justify-content: space-between; height: 1.3em; }
.axis span { width: 0; display: flex; justify-content: center; }
.axis i { font-style: normal; white-space: nowrap; }
.swatch { display: inline-block; width: 12px; height: 12px; border-radius: 2px; margin: 0 6px 0 0; vertical-align: -1px; }
.swatch:not(:first-child) { margin-left: 16px; }
.swatch.reads { background: var(--reads); } .swatch.writes { background: var(--writes); }
.swatch.done { background: var(--done); } .swatch.hollow { border: 1.5px solid var(--done); }
.swatch.limit { width: 0; height: 14px; border-left: 2px dashed var(--bad); border-radius: 0; }
figure { margin: 18px 0 0; }
.history { display: flex; gap: 8px; }
.history svg { display: block; flex: none; overflow: visible; } .history svg.runs { flex: 1; min-width: 0; }
.history text { font-size: 12px; fill: var(--soft); } .history text.name { font-weight: 700; fill: var(--ink); }
.history text.sign { text-anchor: middle; fill: var(--ink); font-weight: 700; font-size: 13px; } .history text.end { text-anchor: end; }
.history text.good { fill: var(--good); } .history text.bad { fill: var(--bad); } .history text.still { fill: var(--soft); }
.history .tick { stroke: var(--line); } .history .none { fill: none; stroke: var(--soft); }
.history .limit { stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 5 4; }
.history .other { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 1 4; }
.history rect.hollow { fill: var(--paper); stroke-width: 1.2; } .history rect.hollow.done { stroke: var(--done); } .history rect.hollow.failed { stroke: var(--reads); }
.history rect.whole { fill: transparent; } .history g:hover rect.whole { fill: var(--sheet); }
@media (max-width: 720px) { .history text.sign { font-size: 10px; } }
.past tbody th small { overflow-wrap: break-word; }
figcaption { margin-top: 10px; font-size: .87rem; } figcaption p { margin: 0 0 4px; } .key p { margin: 0 0 4px; } figcaption .key, figcaption.key { max-width: none; }
.good { color: var(--good); } .bad { color: var(--bad); } .still { color: var(--soft); }
td.word.failed { color: var(--bad); } td.word.stopped { color: var(--stopped); } td.word.done, td.word.waits { color: var(--soft); }
.controls { list-style: none; margin: 4px 0 0; padding: 0; } .outcome { white-space: nowrap; } .entry { white-space: nowrap; } .entry .swatch { margin-left: 2px; }
.paper th { width: 31%; color: var(--soft); overflow-wrap: anywhere; } .paper td { overflow-wrap: anywhere; }
.script th { padding-top: 20px; font-weight: 600; }
.script th span { color: var(--soft); font-weight: 400; margin-left: 8px; }
.script th em { float: right; font-style: normal; font-size: .85rem; font-weight: 400; }
.kind { display: inline-block; font-size: .75rem; color: var(--soft); letter-spacing: .02em; }
.kind + .kind::before { content: "· "; }
.sql { display: block; white-space: pre-wrap; overflow-wrap: anywhere; }
.statements td:nth-child(2) { width: 58%; } .statements td:first-child { color: var(--soft); }
.digests td code { white-space: nowrap; } .digests th { font-weight: 600; white-space: nowrap; }
pre { background: var(--sheet); padding: 12px 16px; border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; margin: 8px 0 12px; }
a { color: var(--done); }
footer { margin-top: 56px; padding-top: 14px; border-top: 1px solid var(--line); color: var(--soft); font-size: .85rem; }
@media (max-width: 720px) {
  main { padding: 24px 16px 48px; }
  h1 { font-size: 1.5rem; }
  table.statements, table.digests, table.past, table.resources { min-width: 720px; }
  .outcome { white-space: normal; }
  .paper th { width: 40%; }
  .timeline, .timeline thead, .timeline tbody, .locks, .locks thead, .locks tbody { display: block; }
  .timeline tr, .locks tr { display: grid; grid-template-columns: auto auto 1fr; column-gap: 16px; padding: 8px 0; border-bottom: 1px solid var(--line); }
  .timeline tr > *, .locks tr > * { border: 0; padding: 0; width: auto; }
  .timeline tbody th, .locks tbody th { width: auto; grid-column: 1 / -1; }
  .timeline thead th, .locks thead th { display: none; }
  .timeline th.chart, .timeline td.chart, .locks th.chart, .locks td.chart { display: block; width: auto; grid-column: 1 / -1; padding: 0 24px 0 8px; }
  .timeline tbody .number, .locks tbody .number { text-align: left; } .timeline tbody td:last-child { text-align: right; }
  .timeline td.word { padding: 0; } .locks td.word { width: auto; }
  .timeline td:last-child::before { content: "attempts "; color: var(--soft); }
}
@media print {
  :root {
    color-scheme: light; font-size: 12px;
    --paper: #fff; --sheet: #f6f7f9; --ink: #000; --soft: #4a525d; --line: #cfd4db; --tick: #e3e6ea;
    --good: #14713d; --good-wash: #eef7f1; --bad: #b3211d; --bad-wash: #fdf1f0;
    --done: #3b6ea8; --waits: #93a1b3; --stopped: #b98112; --writes: #d58a12; --reads: #c23b2e; --mild: #9fb0c3;
  }
  @page { size: A4; margin: 14mm; }
  body { font-size: 11px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main { max-width: none; padding: 0; }
  section { margin-top: 24px; }
  h1 { font-size: 1.7rem; }
  h2, h3, .lead, .key { break-after: avoid; }
  tr, .tiles li, .findings li, dl div, figure { break-inside: avoid; }
  thead { display: table-header-group; }
  td, th { padding-top: 4px; padding-bottom: 4px; }
  .wide { overflow: visible; }
  .bar { height: 22px; }
  .facts { grid-template-columns: repeat(3, 1fr); gap: 8px 20px; }
  .tiles { grid-template-columns: repeat(5, 1fr); margin-top: 18px; gap: 8px; }
  .tiles li { padding: 8px 10px; } .tiles strong { font-size: 1.15rem; }
  .digests td code { white-space: normal; }
  a { color: inherit; text-decoration: none; }
}
`
