//! An explanation as a picture: one column per zone, two bars per instance for CPU and memory, and
//! new tasks marked.
//!
//! The SVG is written by hand: it consists of rectangles and text, and must look the same in a
//! browser and in a README.

use std::collections::BTreeMap;
use std::fmt::Write;

use longshore_placement::{Explanation, Refusal};
use longshore_wire_ecs::arn::ResourceId;

use super::Question;
use super::scene::{Named, Scene};

/// Maximum number of instances drawn per zone: those that get tasks first, then the closest
/// matches.
const DRAWN_MAX: usize = 40;
const COLUMN: usize = 300;
const ROW: usize = 58;
const BAR: usize = 260;
const TOP: usize = 74;

/// Draws the picture.
pub(super) fn draw(scene: &Scene, question: &Question, explanation: &Explanation) -> String {
    let zones = zones(scene, explanation);
    let rows = zones.values().map(|zone| zone.len().min(DRAWN_MAX)).max().unwrap_or(0);
    let (width, height) = (zones.len().max(2) * COLUMN + 20, TOP + rows * ROW + 46);
    let mut svg = String::new();
    // Writing to a String cannot fail.
    let _ = draw_all(&mut svg, (width, height), &zones, scene, question, explanation);
    svg
}

type Zones<'a> = BTreeMap<&'a str, Vec<(ResourceId, &'a Named)>>;

/// The instances of each zone, the most relevant first.
fn zones<'a>(scene: &'a Scene, explanation: &Explanation) -> Zones<'a> {
    let mut zones: Zones<'a> = BTreeMap::new();
    let far = explanation.refused.len() + 1;
    let rank = |id: &ResourceId| {
        let taken = explanation.placed.contains(id);
        let refused = explanation.refused.iter().position(|one| one.instance == *id);
        (!taken, refused.unwrap_or(far), *id)
    };
    for (id, named) in &scene.named {
        zones.entry(&named.zone).or_default().push((*id, named));
    }
    for zone in zones.values_mut() {
        zone.sort_by_cached_key(|(id, _)| rank(id));
    }
    zones
}

fn draw_all(
    svg: &mut String,
    (width, height): (usize, usize),
    zones: &Zones<'_>,
    scene: &Scene,
    question: &Question,
    explanation: &Explanation,
) -> std::fmt::Result {
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="ui-sans-serif, system-ui, sans-serif" font-size="12">"#
    )?;
    writeln!(svg, r##"<rect width="{width}" height="{height}" fill="#ffffff"/>"##)?;
    let (placed, wanted) = (explanation.placed.len(), question.count);
    let title = format!("{}: {placed} of {wanted} placed", question.title);
    text(svg, (20, 28), 16, "#1f2933", &title)?;
    for (column, (zone, instances)) in zones.iter().enumerate() {
        let x = 20 + column * COLUMN;
        let name = if zone.is_empty() { "no zone" } else { zone };
        text(svg, (x, TOP - 16), 13, "#52606d", name)?;
        for (row, (id, named)) in instances.iter().take(DRAWN_MAX).enumerate() {
            instance(svg, (x, TOP + row * ROW), *id, named, scene, explanation)?;
        }
        if let more @ 1.. = instances.len().saturating_sub(DRAWN_MAX) {
            text(svg, (x, TOP + DRAWN_MAX * ROW + 12), 11, "#7b8794", &format!("and {more} more"))?;
        }
    }
    legend(svg, height - 18)?;
    writeln!(svg, "</svg>")
}

fn legend(svg: &mut String, y: usize) -> std::fmt::Result {
    let keys = [
        ("#9fb3c8", "in use"),
        ("#f0b429", "would be placed"),
        ("#e4e7eb", "free, cpu above memory"),
    ];
    for (number, (color, words)) in keys.iter().enumerate() {
        let x = 20 + number * 130;
        writeln!(
            svg,
            r#"<rect x="{x}" y="{}" width="10" height="10" rx="2" fill="{color}"/>"#,
            y - 9
        )?;
        text(svg, (x + 15, y), 11, "#52606d", words)?;
    }
    Ok(())
}

fn instance(
    svg: &mut String,
    (x, y): (usize, usize),
    id: ResourceId,
    named: &Named,
    scene: &Scene,
    explanation: &Explanation,
) -> std::fmt::Result {
    let new =
        u32::try_from(explanation.placed.iter().filter(|one| **one == id).count()).unwrap_or(0);
    let refused = explanation.refused.iter().find(|one| one.instance == id);
    let state = match (new, refused.and_then(|one| one.obstacles.first())) {
        (1.., _) => format!("+{new}"),
        (0, Some(refusal)) => short_reason(refusal),
        (0, None) => String::new(),
    };
    let label: String = named.id.chars().take(8).collect();
    let color = if new > 0 { "#b44d12" } else { "#1f2933" };
    text(svg, (x, y + 10), 12, color, &format!("{label}  {}  {state}", named.kind))?;
    let Some(view) = scene.view.instance(id) else { return Ok(()) };
    let needs = &scene.needs;
    bar(svg, (x, y + 16), (named.cpu, view.cpu, needs.cpu.saturating_mul(new)))?;
    bar(svg, (x, y + 30), (named.memory_mib, view.memory_mib, needs.memory_mib.saturating_mul(new)))
}

/// Draws a bar: in use, newly used, and free.
fn bar(
    svg: &mut String,
    (x, y): (usize, usize),
    (all, free, new): (u32, u32, u32),
) -> std::fmt::Result {
    let width = |part: u32| {
        let part = u64::from(part) * BAR as u64 / u64::from(all).max(1);
        usize::try_from(part).unwrap_or(BAR).min(BAR)
    };
    let used = width(all.saturating_sub(free));
    // A new task is always visible, however small.
    let mark = if new > 0 { width(new).clamp(3, BAR.saturating_sub(used).max(3)) } else { 0 };
    for (from, long, color) in [(0, BAR, "#e4e7eb"), (0, used, "#9fb3c8"), (used, mark, "#f0b429")]
    {
        if long > 0 {
            writeln!(
                svg,
                r#"<rect x="{}" y="{y}" width="{long}" height="11" rx="2" fill="{color}"/>"#,
                x + from
            )?;
        }
    }
    Ok(())
}

fn short_reason(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotActive => "not active".to_owned(),
        Refusal::NotConnected => "no agent".to_owned(),
        Refusal::Attribute(name) => format!("lacks {name}"),
        Refusal::Cpu(_) => "too little cpu".to_owned(),
        Refusal::Memory(_) => "too little memory".to_owned(),
        Refusal::Port(port) | Refusal::MachinePort(port) => format!("port {} taken", port.number),
        Refusal::Gpu(_) => "too few gpus".to_owned(),
        Refusal::DistinctInstance => "already has one".to_owned(),
        Refusal::MemberOf(number) => format!("constraint {}", number + 1),
    }
}

fn text(
    svg: &mut String,
    (x, y): (usize, usize),
    size: usize,
    color: &str,
    words: &str,
) -> std::fmt::Result {
    let mut safe = String::with_capacity(words.len());
    for letter in words.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            letter if letter.is_control() => safe.push(' '),
            letter => safe.push(letter),
        }
    }
    writeln!(svg, r#"<text x="{x}" y="{y}" font-size="{size}" fill="{color}">{safe}</text>"#)
}
