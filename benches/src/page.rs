//! One page with a plot for each workload, which needs nothing beside itself.

use crate::report::{comparisons, speeds, title};
use crate::rivals::Kind;
use crate::run::Outcome;
use crate::spread::{Spread, number};
use crate::workload::Workload;
use plotters::prelude::*;
use std::fmt::Display;
use std::fmt::Write;
use std::io;

const WIDTH: u32 = 900;
/// Of a bar, and of what stands above and below all of them.
const BAR: u32 = 28;
const MARGIN: u32 = 60;
/// Of the names on the left.
const NAMES: u32 = 150;
/// Beyond the longest bar, for the number behind it.
const ROOM: f64 = 1.25;

const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width\">\n<title>ringbuf, measured</title>\n\
    <style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
    svg{max-width:100%;height:auto}pre{white-space:pre-wrap}</style>\n<h1>ringbuf, measured</h1>\n";
const LEGEND: &str = "<p>Bars are medians, lines reach from the least to the most of all \
    repetitions. <b style=\"color:#1f6fb2\">Blue</b> is ringbuf, <b style=\"color:#777\">grey</b> \
    the others, <b style=\"color:#2a8c4a\">green</b> what the machine allows. Rates: longer is \
    better; round trips: shorter is better. A ratio is of medians, with 1 for the other one, and \
    the interval in which it lies with 95 % (bootstrap).</p>\n";

/// The page: `machine` says what it was measured on.
pub(crate) fn html(machine: &str, outcomes: &[Outcome]) -> io::Result<String> {
    let mut page = format!("{HEAD}<pre>{}</pre>\n{LEGEND}", escaped(machine));
    for workload in Workload::all() {
        let of_it: Vec<&Outcome> =
            outcomes.iter().filter(|outcome| outcome.case.workload == workload).collect();
        if of_it.is_empty() {
            continue;
        }
        let title = escaped(&title(workload));
        let plot = plot(workload, &of_it).map_err(io::Error::other)?;
        // A page in memory takes whatever is written to it.
        let _ = write!(page, "<h2>{workload}</h2>\n<p>{title}</p>\n{plot}\n<ul>\n");
        for line in comparisons(&of_it) {
            let _ = writeln!(page, "<li>{}</li>", escaped(&line[2..].replace('`', "")));
        }
        for failed in of_it.iter().filter(|outcome| outcome.failure.is_some()) {
            let _ =
                writeln!(page, "<li>{} failed its check: no number</li>", failed.case.rival.name);
        }
        page.push_str("</ul>\n");
    }
    page.push_str("</html>\n");
    Ok(page)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What the bars of a workload say, and in what unit.
fn measure(workload: Workload, outcome: &Outcome) -> Spread {
    let speeds = speeds(outcome);
    match unit(workload) {
        Unit::Nanoseconds => Spread::of(speeds.values().iter().map(|speed| 1.0 / speed)),
        Unit::Millions => speeds.times(1e-6),
        Unit::Thousands => speeds.times(1e-3),
    }
}

#[derive(Clone, Copy)]
enum Unit {
    Nanoseconds,
    Millions,
    Thousands,
}

fn unit(workload: Workload) -> Unit {
    match workload {
        _ if workload.returns() => Unit::Nanoseconds,
        _ if workload.frames() => Unit::Thousands,
        _ => Unit::Millions,
    }
}

fn plot(workload: Workload, outcomes: &[&Outcome]) -> Result<String, String> {
    let able: Vec<_> = outcomes.iter().filter(|outcome| outcome.failure.is_none()).collect();
    let spreads: Vec<_> = able.iter().map(|outcome| measure(workload, outcome)).collect();
    let Some(most) = spreads.iter().map(Spread::max).max_by(f64::total_cmp) else {
        return Ok(String::new());
    };
    let count = u32::try_from(able.len()).map_err(told)?;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, count * BAR + MARGIN));
        let area = area.into_drawing_area();
        let bars = (0..able.len()).into_segmented();
        let mut builder = ChartBuilder::on(&area);
        builder.margin(8).x_label_area_size(36).y_label_area_size(NAMES);
        let mut chart = builder.build_cartesian_2d(0.0..most * ROOM, bars).map_err(told)?;
        // From the top down, as they stand in the tables.
        let outcome_at = |bar: usize| able[able.len() - 1 - bar];
        let name = |bar: &SegmentValue<usize>| match bar {
            SegmentValue::CenterOf(bar) if *bar < able.len() => {
                outcome_at(*bar).case.rival.name.to_owned()
            }
            _ => String::new(),
        };
        let unit = match unit(workload) {
            Unit::Nanoseconds => "ns, median of a round trip",
            Unit::Millions => "million messages a second",
            Unit::Thousands => "thousand frames a second",
        };
        let mut mesh = chart.configure_mesh();
        mesh.disable_y_mesh().y_labels(able.len()).y_label_formatter(&name).x_desc(unit);
        mesh.draw().map_err(told)?;
        for (bar, spread) in spreads.iter().rev().enumerate() {
            let colour = match outcome_at(bar).case.rival.kind {
                Kind::Ours => RGBColor(0x1f, 0x6f, 0xb2),
                Kind::Rival => RGBColor(0x99, 0x99, 0x99),
                Kind::Limit => RGBColor(0x2a, 0x8c, 0x4a),
            };
            let (from, to) = (SegmentValue::Exact(bar), SegmentValue::Exact(bar + 1));
            let mut median = Rectangle::new([(0.0, from), (spread.median(), to)], colour.filled());
            median.set_margin(4, 4, 0, 0);
            let middle = || SegmentValue::CenterOf(bar);
            let ends = [(spread.min(), middle()), (spread.max(), middle())];
            let behind = (spread.max() + most * 0.01, middle());
            let value = Text::new(number(spread.median()), behind, ("sans-serif", 13));
            chart.draw_series([median]).map_err(told)?;
            chart.draw_series([PathElement::new(ends, BLACK)]).map_err(told)?;
            chart.draw_series([value]).map_err(told)?;
        }
        area.present().map_err(told)?;
    }
    Ok(svg)
}

fn told(error: impl Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run;
    use crate::sample::Sample;

    #[test]
    fn the_page_has_a_plot_for_each_workload_and_names_who_failed() {
        let outcome = |name: &str, sample, failure: Option<&str>| Outcome {
            case: run::cases().into_iter().find(|case| case.name() == name).unwrap(),
            samples: vec![sample, sample],
            failure: failure.map(str::to_owned),
        };
        let trip = Sample::Latency { p50: 300, p99: 1, p99_9: 1, max: 1 };
        let page = html(
            "a <machine>",
            &[
                outcome("stream/8/ringbuf-spin", Sample::Rate(2e6), None),
                outcome("stream/8/rtrb", Sample::Rate(1e6), None),
                outcome("stream/8/pipe", Sample::Rate(9e9), Some("torn")),
                outcome("trip/8/spin/ringbuf-spin", trip, None),
            ],
        )
        .unwrap();
        assert_eq!(page.matches("<svg").count(), 2);
        assert!(page.contains("a &lt;machine&gt;"));
        assert!(page.contains("2.00 (2.00 to 2.00) of the best rival, rtrb"));
        assert!(page.contains("pipe failed its check"));
        assert!(page.contains("300"), "the round trip stands behind its bar");
        assert!(!page.contains("9000"), "who failed has no number");
    }
}
