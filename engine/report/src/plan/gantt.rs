//! Charts of a plan as inline SVG: which hosts are out in which wave, and what
//! is left meanwhile. All they show stands in the tables beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use tidegate_model::fleet::{Amount, Fleet, Host, HostState};
use tidegate_model::plan::{Op, Plan};

use crate::html::escape::Text;

/// A zone with more targets than this gets columns of numbers, not rows of
/// names: thousands of rows would make the page unusable.
const ROWS: usize = 200;
/// Columns at least this wide have a label.
const LABEL: usize = 16;

const WIDTH: usize = 900;
const LEFT: usize = 150;
const ROW: usize = 14;
const HEIGHT: usize = 120;
const BOTTOM: usize = 18;

/// The columns of a chart, one for each wave of the plan.
struct Columns {
    count: usize,
}

impl Columns {
    fn x(&self, n: usize) -> usize {
        LEFT + n * (WIDTH - LEFT) / self.count.max(1)
    }

    fn width(&self) -> usize {
        ((WIDTH - LEFT) / self.count.max(1)).max(2) - 1
    }

    /// Numbers of waves, as many as there is room for.
    fn labels(&self, y: usize, out: &mut dyn Write) -> io::Result<()> {
        let each = LABEL.div_ceil(self.width()).max(1);
        for n in (0..self.count).step_by(each) {
            write!(out, "<text x=\"{}\" y=\"{y}\">{}</text>", self.x(n), n + 1)?;
        }
        Ok(())
    }
}

/// For each zone the waves, and in them the hosts that are out.
pub(super) fn waves(plan: &Plan, out: &mut dyn Write) -> io::Result<()> {
    let columns = Columns { count: plan.waves.len() };
    let mut zones: BTreeMap<&str, Vec<(usize, &[String])>> = BTreeMap::new();
    for (n, wave) in plan.waves.iter().enumerate() {
        let zone = wave.zone.as_deref().unwrap_or("-");
        zones.entry(zone).or_default().push((n, &wave.targets));
    }
    for (zone, waves) in zones {
        writeln!(out, "<h3>Zone {}</h3>", Text(zone))?;
        let targets: usize = waves.iter().map(|(_, t)| t.len()).sum();
        if targets > ROWS {
            counts(&columns, zone, &waves, out)?;
        } else {
            names(&columns, zone, &waves, targets, out)?;
        }
    }
    Ok(())
}

fn open(zone: &str, what: &str, height: usize, out: &mut dyn Write) -> io::Result<()> {
    write!(
        out,
        "<div class=\"trend\" role=\"region\" aria-label=\"{what}\" tabindex=\"0\">\
         <svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{what} of zone {}; the \
         tables below have it in words\">",
        Text(zone)
    )
}

/// A row for each host.
fn names(
    columns: &Columns,
    zone: &str,
    waves: &[(usize, &[String])],
    targets: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let height = targets * ROW + BOTTOM;
    open(zone, "Hosts by wave", height, out)?;
    let mut y = 0;
    for (n, hosts) in waves {
        for host in *hosts {
            let name: String = host.chars().take(22).collect();
            write!(
                out,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{}\" y2=\"{}\"/>\
                 <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
                 <rect class=\"out\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>{}: wave {}</title></rect>",
                y + ROW,
                y + ROW,
                LEFT - 6,
                y + ROW - 3,
                Text(&name),
                columns.x(*n),
                y + 2,
                columns.width(),
                ROW - 4,
                Text(host),
                n + 1,
            )?;
            y += ROW;
        }
    }
    columns.labels(height - 4, out)?;
    out.write_all(b"</svg></div>\n")
}

/// A column for each wave, as high as it has hosts.
fn counts(
    columns: &Columns,
    zone: &str,
    waves: &[(usize, &[String])],
    out: &mut dyn Write,
) -> io::Result<()> {
    open(zone, "Number of hosts by wave", HEIGHT + BOTTOM, out)?;
    let most = waves.iter().map(|(_, t)| t.len()).max().unwrap_or(1).max(1);
    write!(out, "<text x=\"{}\" y=\"12\" text-anchor=\"end\">{most} hosts</text>", LEFT - 6)?;
    for (n, hosts) in waves {
        let height = (hosts.len() * HEIGHT / most).max(1);
        write!(
            out,
            "<rect class=\"out\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{height}\"><title>wave {}: {}</title></rect>",
            columns.x(*n),
            HEIGHT - height,
            columns.width(),
            n + 1,
            crate::tally::count(hosts.len(), "host"),
        )?;
    }
    columns.labels(HEIGHT + BOTTOM - 4, out)?;
    out.write_all(b"</svg></div>\n")
}

/// What is there and what is used in a zone and class during a wave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Room {
    /// Usable on hosts that take work, those of the wave left out.
    pub(super) usable: i64,
    /// What is allotted on them when all that must move has moved.
    pub(super) load: i64,
}

/// By zone and class, what is usable in all and what is left in each wave.
pub(super) type Capacity<'a> = BTreeMap<(&'a str, &'a str), (i64, Vec<Room>)>;

/// Follows the moves of a plan through its waves. Counts what hosts that are up
/// have; what evictions do to nodes is not in it.
pub(super) fn capacity<'a>(plan: &'a Plan, fleet: &'a Fleet) -> Capacity<'a> {
    let hosts: BTreeMap<&str, &Host> = fleet.hosts.iter().map(|h| (h.id.as_str(), h)).collect();
    let vms: BTreeMap<&str, &tidegate_model::fleet::Vm> =
        fleet.vms.iter().map(|v| (v.id.as_str(), v)).collect();
    let up = |id: &str| hosts.get(id).copied().filter(|h| h.state == HostState::Up);
    let mut usable: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    let mut load: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for host in fleet.hosts.iter().filter(|h| h.state == HostState::Up) {
        for class in host.capacity.keys() {
            *usable.entry((&host.zone, class)).or_default() += host.usable(class).0;
        }
    }
    for vm in &fleet.vms {
        for host in std::iter::once(&vm.host).chain(&vm.migrating_to).filter_map(|h| up(h)) {
            for (class, amount) in &vm.demand {
                *load.entry((&host.zone, class)).or_default() += amount.0;
            }
        }
    }
    let mut capacity: Capacity<'_> = usable
        .iter()
        .filter(|(_, usable)| **usable > 0)
        .map(|(cell, usable)| (*cell, (*usable, Vec::with_capacity(plan.waves.len()))))
        .collect();
    for wave in &plan.waves {
        for step in wave.steps.iter().filter(|s| s.op == Op::Migrate) {
            let Some(vm) = step.vm.as_deref().and_then(|v| vms.get(v)) else { continue };
            for (host, sign) in [(&step.from, -1), (&step.to, 1)] {
                let Some(host) = host.as_deref().and_then(up) else { continue };
                for (class, amount) in &vm.demand {
                    *load.entry((&host.zone, class)).or_default() += sign * amount.0;
                }
            }
        }
        let targets: BTreeSet<&str> = wave.targets.iter().map(String::as_str).collect();
        let mut out: BTreeMap<(&str, &str), i64> = BTreeMap::new();
        for host in targets.iter().filter_map(|t| up(t)) {
            for class in host.capacity.keys() {
                *out.entry((&host.zone, class)).or_default() += host.usable(class).0;
            }
        }
        for (cell, (whole, rooms)) in &mut capacity {
            let gone = out.get(cell).copied().unwrap_or(0);
            let load = load.get(cell).copied().unwrap_or(0);
            rooms.push(Room { usable: *whole - gone, load });
        }
    }
    capacity
}

/// For each zone and class: load and what is usable, wave by wave.
pub(super) fn rooms(capacity: &Capacity<'_>, out: &mut dyn Write) -> io::Result<()> {
    for ((zone, class), (whole, rooms)) in capacity {
        let columns = Columns { count: rooms.len() };
        let least = rooms.iter().map(|r| r.usable - r.load).min().unwrap_or(*whole);
        writeln!(
            out,
            "<h3>{} in zone {}</h3><p class=\"soft\">{} usable in all; at least {} free in every wave.</p>",
            Text(class),
            Text(zone),
            Amount(*whole),
            Amount(least)
        )?;
        open(zone, "Load and usable capacity by wave", HEIGHT + BOTTOM, out)?;
        let height = |n: i64| -> usize {
            let share = i128::from(n.max(0)) * HEIGHT as i128 / i128::from(*whole).max(1);
            usize::try_from(share).unwrap_or(HEIGHT).min(HEIGHT)
        };
        for (n, room) in rooms.iter().enumerate() {
            let (x, width) = (columns.x(n), columns.width());
            let (usable, load) = (height(room.usable), height(room.load));
            write!(
                out,
                "<g><title>wave {}: {} of {} used</title>\
                 <rect class=\"none\" x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"{usable}\"/>\
                 <rect class=\"load\" x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"{load}\"/></g>",
                n + 1,
                Amount(room.load),
                Amount(room.usable),
                HEIGHT - usable,
                HEIGHT - load,
            )?;
        }
        columns.labels(HEIGHT + BOTTOM - 4, out)?;
        out.write_all(b"</svg></div>\n")?;
    }
    Ok(())
}
