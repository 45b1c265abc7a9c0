//! Cuts lists into pages as the services do.

use bytes::Bytes;

use crate::recording::Body;
use crate::wire::{Request, Response};

/// How a service names the next page.
fn style(service: &str) -> Style {
    match service {
        "image" | "baremetal" | "container-infra" => Style::Next,
        "dns" => Style::LinksNext,
        "identity" | "placement" => Style::Never,
        "key-manager" | "shared-file-system" => Style::Offset,
        _ => Style::ListLinks,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Next,
    LinksNext,
    ListLinks,
    Offset,
    Never,
}

/// Answers a request for a list. `address` is the URL asked, without query.
pub(crate) fn page(
    service: &str,
    request: &Request,
    address: &str,
    body: &Body,
    max_page: usize,
) -> Response {
    let (key, items, ids, place) = match body {
        Body::Whole(bytes) => return Response::json(200, bytes.to_vec()),
        Body::List { key, items, ids, place } => (key, items, ids, place),
    };
    let style = style(service);
    let asked = request.query("limit").and_then(|l| l.parse().ok()).filter(|l| *l > 0);
    let limit = match (style, asked) {
        (Style::Never, _) => items.len(),
        (_, Some(asked)) => max_page.min(asked),
        // Neutron without `limit` gives all.
        (_, None) if service == "network" => items.len(),
        (_, None) => max_page,
    };
    let from = match (request.query("marker"), request.query("offset")) {
        (Some(marker), _) => match place.get(marker) {
            Some(at) => at + 1,
            None => return Response::error(400, &format!("marker [{marker}] not found")),
        },
        (None, Some(offset)) => offset.parse().unwrap_or(0),
        (None, None) => 0,
    };
    let here: &[Bytes] = items.get(from..(from + limit).min(items.len())).unwrap_or_default();
    let mut out = Vec::with_capacity(here.iter().map(|i| i.len() + 1).sum::<usize>() + 256);
    out.extend_from_slice(format!("{{\"{key}\":[").as_bytes());
    for (n, item) in here.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        out.extend_from_slice(item);
    }
    out.push(b']');
    let last = from + here.len();
    if last < items.len() && !here.is_empty() {
        let marker = ids.get(last - 1).map_or("", String::as_str);
        let mut query: Vec<String> = request
            .query
            .iter()
            .filter(|(k, _)| k != "marker")
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        query.push(format!("marker={marker}"));
        let link = format!("{address}?{}", query.join("&"));
        let extra = match style {
            Style::Next => format!(",\"next\":\"{link}\""),
            Style::LinksNext => format!(",\"links\":{{\"next\":\"{link}\"}}"),
            Style::ListLinks => {
                format!(",\"{key}_links\":[{{\"rel\":\"next\",\"href\":\"{link}\"}}]")
            }
            Style::Offset | Style::Never => String::new(),
        };
        out.extend_from_slice(extra.as_bytes());
    }
    out.push(b'}');
    Response::json(200, out)
}
