#include "assay/report/html_page.h"

namespace assay::report::html {

std::string_view Style() {
  return R"css(
:root{--bg:#f6f7f9;--card:#fff;--text:#1d2530;--dim:#68738a;--line:#dde2ea;--code:#f1f3f7;--accent:#2456c9;
--passed:#1a8754;--failed:#c92a2a;--error:#b45f06;--inconclusive:#7d3cb5;--skipped:#7a8599}
@media(prefers-color-scheme:dark){:root{--bg:#12161d;--card:#1a202a;--text:#dfe5ee;--dim:#93a0b5;--line:#2c3544;
--code:#11161e;--accent:#7aa2ff;--passed:#4cc38a;--failed:#ff7b7b;--error:#f0a24b;--inconclusive:#c49bf0;--skipped:#93a0b5}}
*{box-sizing:border-box}html{scroll-behavior:smooth;scroll-padding-top:4rem}
body{margin:0;background:var(--bg);color:var(--text);font:15px/1.5 system-ui,"Segoe UI",Roboto,sans-serif}
main{max-width:1180px;margin:0 auto;padding:0 1.2rem 4rem}
a{color:var(--accent);text-decoration:none}a:hover{text-decoration:underline}
header.top{position:sticky;top:0;z-index:2;background:var(--card);border-bottom:1px solid var(--line)}
header.top div{max-width:1180px;margin:0 auto;padding:.6rem 1.2rem;display:flex;gap:1.2rem;align-items:center;flex-wrap:wrap}
header.top strong{font-size:1.05rem}header.top nav{display:flex;gap:1rem;margin-left:auto}
h1{font-size:1.5rem;margin:1.6rem 0 .2rem}h2{font-size:1.15rem;margin:2.4rem 0 .8rem}
.dim{color:var(--dim)}.mono,code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.86em}
pre{background:var(--code);border:1px solid var(--line);border-radius:6px;padding:.6rem .8rem;overflow:auto;margin:.4rem 0;
max-height:28rem;white-space:pre-wrap;overflow-wrap:anywhere}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1rem 1.2rem}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:.8rem;margin:1rem 0}
.cards .card b{display:block;font-size:1.7rem;line-height:1.2}
.bar{display:flex;height:12px;border-radius:6px;overflow:hidden;background:var(--line);margin:1rem 0}
.bar i{display:block}
.pill{display:inline-block;border-radius:99px;padding:.05rem .6rem;font-size:.78rem;font-weight:600;color:#fff;white-space:nowrap}
.passed{--v:var(--passed)}.failed{--v:var(--failed)}.error{--v:var(--error)}.inconclusive{--v:var(--inconclusive)}
.skipped{--v:var(--skipped)}.verified{--v:var(--passed)}.stale{--v:var(--error)}.uncovered,.not_verified{--v:var(--skipped)}
.pill,.bar i{background:var(--v)}b.v,.v{color:var(--v)}
@media(prefers-color-scheme:dark){.pill{color:#10141a}}
.chip{display:inline-block;border:1px solid var(--line);border-radius:5px;padding:0 .4rem;font-size:.78rem;margin:0 .25rem .15rem 0}
.filters{display:flex;gap:.5rem;flex-wrap:wrap;margin:.8rem 0}
.filters button,.filters input{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:6px;
padding:.25rem .7rem;cursor:pointer}.filters input{flex:1;min-width:180px;cursor:text}.filters button[aria-pressed=true]{border-color:var(--accent);color:var(--accent)}
details.scenario{background:var(--card);border:1px solid var(--line);border-left:4px solid var(--v);border-radius:8px;margin:.5rem 0}
details.scenario>summary{padding:.55rem .9rem;cursor:pointer;display:flex;gap:.8rem;align-items:baseline}
details.scenario>summary .title{flex:1}details.scenario>div{padding:.2rem 1rem 1rem}
details.step{border-top:1px solid var(--line);padding:.1rem 0}
details.step>summary{cursor:pointer;padding:.3rem .2rem;display:flex;gap:.6rem;align-items:baseline}
details.step>summary .title{flex:1;overflow-wrap:anywhere}details.step>div{padding:.2rem 0 .8rem 1.4rem}
.children{margin-left:1rem;border-left:2px solid var(--line);padding-left:.8rem}
.mark{display:inline-block;width:1.1em;color:var(--v);font-weight:700}
.expectation{border-left:3px solid var(--v);padding:.1rem .7rem;margin:.4rem 0}
.nodes{margin:.3rem 0 0;border-collapse:collapse}.nodes td{padding:.08rem .8rem .08rem 0;vertical-align:top}
.exchange{display:grid;grid-template-columns:1fr 1fr;gap:.8rem}@media(max-width:800px){.exchange{grid-template-columns:1fr}table.list{display:block;overflow-x:auto}
details.scenario>summary,details.step>summary{flex-wrap:wrap}header.top nav{flex-wrap:wrap;margin-left:0}}
code{overflow-wrap:anywhere}
.dialogue>div{margin:.4rem 0;overflow-x:auto}.dialogue td{white-space:pre-wrap}
.exchange>div{min-width:0}.headers td{padding:0 .8rem 0 0;vertical-align:top;overflow-wrap:anywhere}
table.list{width:100%;border-collapse:collapse;background:var(--card);border:1px solid var(--line);border-radius:8px}
table.list th{text-align:left;font-size:.8rem;color:var(--dim);font-weight:600}
table.list th,table.list td{padding:.4rem .8rem;border-bottom:1px solid var(--line);vertical-align:top}
svg text{fill:var(--text);font:11px system-ui,sans-serif}svg .grid{stroke:var(--line)}svg .v{fill:var(--v)}svg .dimtext{fill:var(--dim)}
.timings{display:flex;height:8px;border-radius:4px;overflow:hidden;margin:.3rem 0}
.hidden{display:none}footer{color:var(--dim);margin-top:3rem;font-size:.85rem}
@media print{header.top{position:static}.filters{display:none}details.scenario{break-inside:avoid}}
)css";
}

std::string_view Script() {
  return R"js(
(() => {
  const scenarios = [...document.querySelectorAll('details.scenario')];
  const buttons = [...document.querySelectorAll('.filters button[data-verdict]')];
  const search = document.querySelector('.filters input');
  const apply = () => {
    const wanted = buttons.filter(b => b.getAttribute('aria-pressed') === 'true').map(b => b.dataset.verdict);
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const s of scenarios) {
      const text = s.dataset.search;
      const ok = (!wanted.length || wanted.includes(s.dataset.verdict)) && words.every(w => text.includes(w));
      s.classList.toggle('hidden', !ok);
      if (ok) shown++;
    }
    document.querySelector('#shown').textContent = `${shown} of ${scenarios.length}`;
  };
  for (const b of buttons) b.addEventListener('click', () => {
    b.setAttribute('aria-pressed', b.getAttribute('aria-pressed') === 'true' ? 'false' : 'true');
    apply();
  });
  search.addEventListener('input', apply);
  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let e = target; e; e = e.parentElement) if (e.tagName === 'DETAILS') e.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener('hashchange', reveal);
  reveal();
  apply();
})();
)js";
}

}  // namespace assay::report::html
