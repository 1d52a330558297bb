"""How the contact sheet looks: one style sheet, light and dark, from telephones up."""

STYLE = """
:root{color-scheme:light dark;--ground:#f4f5f7;--card:#fff;--line:#d9dce1;--text:#1b1e23;--quiet:#5a616b;
--well:#e9ebee;--accent:#1d4ed8;--done:#14713a;--failed:#b3141c;--warned:#8a4b00;--current:#0b6478;--tint:#fdecec}
@media (prefers-color-scheme:dark){:root{--ground:#14161a;--card:#1e2126;--line:#343941;--text:#e8eaed;--quiet:#a2a9b4;
--well:#292d34;--accent:#8ab4ff;--done:#6fd08c;--failed:#ff8e8a;--warned:#f0b75e;--current:#6fcbe0;--tint:#3a2021}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:15px/1.45 system-ui,sans-serif}
header,main{max-width:1320px;margin:0 auto;padding:0 16px}
header{padding-top:20px}
h1{font-size:1.5rem;margin:0 0 4px}
h2{font-size:1.1rem;margin:24px 0 10px}
h3{font-size:.92rem;margin:0;font-weight:600;overflow-wrap:anywhere;min-width:0}
p{margin:0 0 6px}
.quiet{color:var(--quiet)}
.notice{border-left:4px solid var(--warned);background:var(--card);padding:8px 12px;margin:12px 0}
details{margin:8px 0}
summary{cursor:pointer}
details ul{margin:6px 0;padding-left:20px;overflow-wrap:anywhere}
fieldset{border:0;margin:14px 0 0;padding:0;display:flex;flex-wrap:wrap;gap:8px}
legend{padding:0;margin-bottom:6px;color:var(--quiet)}
fieldset span{position:relative}
fieldset input{position:absolute;opacity:0;pointer-events:none}
fieldset label{display:inline-flex;gap:8px;align-items:baseline;min-height:40px;padding:8px 14px;cursor:pointer;
border:1px solid var(--line);border-radius:20px;background:var(--card)}
fieldset label b{font-variant-numeric:tabular-nums}
fieldset input:checked+label{border-color:var(--accent);box-shadow:inset 0 0 0 1px var(--accent);color:var(--accent)}
fieldset input:focus-visible+label{outline:3px solid var(--accent);outline-offset:2px}
.items{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,380px),1fr));gap:12px;margin:0;padding:0;
list-style:none}
.item{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px;min-width:0;
content-visibility:auto;contain-intrinsic-size:auto 260px}
.item header{display:flex;gap:10px;justify-content:space-between;align-items:flex-start;padding:0;margin:0 0 10px}
.folder{color:var(--quiet);font-weight:400}
.status{flex:none;border:1px solid;border-radius:10px;padding:0 8px;font-size:.8rem;font-weight:600}
.done .status{color:var(--done)}
.failed .status,.message{color:var(--failed)}
.copied .status,.skipped .status,.stopped .status{color:var(--warned)}
.current .status{color:var(--current)}
.pictures{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:8px;margin-bottom:8px}
figure{margin:0;min-width:0}
figcaption{font-size:.78rem;color:var(--quiet);margin-bottom:2px}
.well{display:flex;align-items:center;justify-content:center;aspect-ratio:1;margin-bottom:4px;border-radius:6px;
background:var(--well);overflow:hidden;text-align:center;font-size:.78rem;color:var(--quiet)}
.well img,.well svg{width:100%;height:100%;object-fit:contain;display:block}
.message{background:var(--tint);border-radius:6px;padding:6px 8px;overflow-wrap:anywhere}
.warnings{margin:0;padding-left:18px;color:var(--warned);overflow-wrap:anywhere}
.facts{margin-top:6px;color:var(--quiet);font-size:.85rem}
.store{position:absolute;width:0;height:0;overflow:hidden}
footer{max-width:1320px;margin:0 auto;padding:24px 16px;color:var(--quiet);font-size:.85rem}
@media print{fieldset{display:none}.item{break-inside:avoid;content-visibility:visible}}
"""


def filter_rules(names: list[str]) -> str:
    """Rules that hide what does not bear the class of the chosen filter. Browsers without `:has` show everything."""
    return "".join(f"body:has(#only-{name}:checked) .item:not(.{name}),"
                   f"body:has(#only-{name}:checked) section:not(:has(.{name})){{display:none}}\n" for name in names)
