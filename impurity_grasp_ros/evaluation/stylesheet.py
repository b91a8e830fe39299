"""What does not change from one report to the next: its looks, and what the figures mean."""

CSS = """<style>
:root { --ink: #22282e; --soft: #6b747d; --rule: #e3e6e9; --own: #2c6e91; --other: #c3c9cf; --second: #c26a2e }
* { box-sizing: border-box }
body { margin: 0; background: #fff; color: var(--ink); font: 15px/1.5 system-ui, "Liberation Sans", Arial, sans-serif }
main { max-width: 1140px; margin: 0 auto; padding: 36px 30px 60px }
h1 { font-size: 26px; font-weight: 600; margin: 0 0 4px }
h2 { font-size: 19px; font-weight: 600; margin: 44px 0 10px; padding-top: 14px; border-top: 1px solid var(--rule) }
h2::first-letter { text-transform: uppercase }
h3 { font-size: 15px; font-weight: 600; margin: 22px 0 4px }
.facts, .legend, figcaption, summary, dl { color: var(--soft); font-size: 13px }
table { border-collapse: collapse; font-size: 13px; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: 5px 7px; text-align: right; vertical-align: top; border-bottom: 1px solid var(--rule) }
th { font-weight: 600 }
thead th { color: var(--soft); font-weight: 500; vertical-align: bottom; line-height: 1.25 }
thead tr:first-child th { border: 0; padding-bottom: 0; text-align: center; font-size: 12px }
thead th:first-child, tbody th { text-align: left; white-space: nowrap }
td small { display: block; white-space: nowrap; color: var(--soft); font-size: 11px; line-height: 1.2 }
td.paper, th.paper { background: #f7f8f9 }
tr.other th, tr.other td { color: var(--soft); font-weight: 400; padding-top: 2px; padding-bottom: 2px }
tr.other td.source { text-align: left; font-size: 12px }
details { margin-top: 14px } details table { width: auto; min-width: 50% }
details thead tr:first-child th { border-bottom: 1px solid var(--rule); text-align: right; font-size: 13px }
svg { display: block; max-width: 100%; height: auto; font-size: 12px }
svg text { fill: var(--ink) } svg .tick, svg text.other { fill: var(--soft) }
svg .tick { font-size: 11px } svg .panel { font-size: 13px; font-weight: 600 }
svg .grid { stroke: var(--rule) } svg .axis { stroke: #9aa2a9 } svg .whisker { stroke: var(--ink); stroke-width: 1.2 }
rect.own { fill: #7fb0c9 } rect.other { fill: #dfe3e7 } .marker { fill: #fff; stroke: var(--ink); stroke-width: 1.3 }
svg .curve { fill: none; stroke-width: 2 } .first.curve { stroke: var(--own) } .second.curve { stroke: var(--second) }
.first.single { fill: var(--own) } .second.single { fill: var(--second) } svg .single { opacity: .28 }
svg text.first.key { fill: var(--own); font-weight: 600 } svg text.second.key { fill: var(--second); font-weight: 600 }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 18px }
.legend b { display: inline-block; width: 12px; height: 12px; margin: 0 5px -1px 14px }
.legend b:first-child { margin-left: 0 }
.legend .own { background: #7fb0c9 } .legend .other { background: #dfe3e7 }
.legend .marker { width: 8px; height: 8px; margin-bottom: 1px; border: 1.3px solid var(--ink) }
.legend .marker { transform: rotate(45deg) }
figure { margin: 0 } .strip { margin-top: 22px }
.strip > div { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 10px; margin-top: 6px }
.frame img { display: block; width: 100%; border-radius: 3px }
.frame figcaption { border-top: 3px solid var(--rule); padding-top: 3px; margin-top: 3px; line-height: 1.3 }
.good figcaption { border-color: #3f9a5f } .bad figcaption { border-color: #c8503f }
.stop figcaption { border-color: var(--own) }
dt { color: var(--ink); font-weight: 600 } dd { margin: 0 0 6px }
dl { columns: 2; column-gap: 36px } dl div { break-inside: avoid }
@media (max-width: 800px) { dl { columns: 1 } section { overflow-x: auto } }
</style>"""

_TERMS = {
    "Completed": "Runs in which every target came into the drop bin within 15 actions a target (quick runs: 10), "
    "judged by simulator body. Every run that was started counts; a target out of the workspace makes it a failure.",
    "GS, grasp success": "Grasps that brought a target into the bin, of all grasps until completion, over all runs.",
    "Wrong object": "Grasps that brought another block into the bin, of the same grasps.",
    "AE, action efficiency": "Targets in the bin per action until completion, over all runs, failed ones included.",
    "MN, motions": "Mean actions a run; a run that was not completed counts with its full budget.",
    "Lost": "Targets that lay outside the workspace at the end, of all targets.",
    "False clear": "Runs in which the policy said that nothing odd is left while a target lay in the workspace.",
    "False dirty, surplus": "Completed runs with actions after completion, and their mean number.",
    "Stops": "Completed runs in which the policy then said clear before its budget was used up.",
    "Found, actions to find": "Runs in which the camera got to see 10 % of a target, and mean actions until then; "
    "full budget where it never did.",
    "Counted as in the paper": "Means over completed runs only, of grasp success and of targets per action.",
    "Small print": "The 95 % interval: Wilson's; of AE, which is no proportion, by bootstrap over runs. Wilson's takes "
    "the grasps of a run as independent, which flatters it a bit.",
}
DEFINITIONS = (
    "<section><h2>What the figures mean</h2><dl>"
    + "".join(f"<div><dt>{term}</dt><dd>{meaning}</dd></div>" for term, meaning in _TERMS.items())
    + "</dl></section>"
)
