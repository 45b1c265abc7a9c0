//! Which image, flavor and network the server is made of.

use serde_json::Value;

/// Something chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) id: String,
    pub(crate) name: String,
}

fn choice(item: &Value) -> Option<Choice> {
    let text = |member: &str| item.get(member).and_then(Value::as_str).map(str::to_owned);
    Some(Choice { id: text("id")?, name: text("name").unwrap_or_default() })
}

/// An image, with what it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picked {
    pub(crate) choice: Choice,
    pub(crate) min_ram_mib: u64,
    pub(crate) volume_gib: u64,
}

/// Less than this has no room for a package manager.
const LEAST_RAM_MIB: u64 = 1024;
/// The least volume to boot from (scs-0101-entropy-avail).
const LEAST_VOLUME_GIB: u64 = 8;

/// The image with the greatest (distribution, version): Debian before Ubuntu
/// before others, versions compared as texts; of equal ones the first. Only
/// public images and those of the own project count: an admin is shown those of
/// everybody.
pub(crate) fn image(images: &[Value], project: Option<&str>) -> Option<Picked> {
    let mut best: Option<((u8, String), &Value)> = None;
    for item in images.iter().filter(|i| boots(i)) {
        let text = |member: &str| item.get(member).and_then(Value::as_str).unwrap_or_default();
        let own = item.get("owner").and_then(Value::as_str) == project && project.is_some();
        if text("visibility") != "public" && !own {
            continue;
        }
        let rank = match text("os_distro").to_ascii_lowercase().as_str() {
            "debian" => 2,
            "ubuntu" => 1,
            _ => 0,
        };
        let key = (rank, text("os_version").to_owned());
        if best.as_ref().is_none_or(|(b, _)| key > *b) {
            best = Some((key, item));
        }
    }
    let (_, item) = best?;
    let number = |member: &str| item.get(member).and_then(Value::as_u64).unwrap_or(0);
    let gib = number("virtual_size").div_ceil(1 << 30);
    Some(Picked {
        choice: choice(item)?,
        min_ram_mib: number("min_ram"),
        volume_gib: number("min_disk").max(gib).max(LEAST_VOLUME_GIB),
    })
}

/// Whether a volume made of it would boot: not a kernel, a ramdisk or a CD.
fn boots(image: &Value) -> bool {
    let format = image.get("disk_format").and_then(Value::as_str).unwrap_or_default();
    !matches!(format, "aki" | "ari" | "ami" | "iso")
}

/// The cheapest flavor with enough memory, of those that let the guest use the
/// host's random number generator if there are any. Cheap is
/// vcpus + GiB of memory / 3 + GiB of disk / 10.
pub(crate) fn flavor(flavors: &[Value], min_ram_mib: u64) -> Option<Choice> {
    let number = |f: &Value, member: &str| f.get(member).and_then(Value::as_u64).unwrap_or(0);
    let enough = flavors.iter().filter(|f| {
        number(f, "ram") >= min_ram_mib.max(LEAST_RAM_MIB)
            && f.get("OS-FLV-DISABLED:disabled") != Some(&Value::Bool(true))
    });
    let cheapest = enough.min_by_key(|f| {
        let allowed = f.pointer("/extra_specs/hw_rng:allowed").and_then(Value::as_str);
        let allowed = allowed.is_some_and(|a| a.eq_ignore_ascii_case("true"));
        // All terms over 3 · 10 · 1024, so that whole numbers are compared.
        let (vcpus, ram, disk) = (number(f, "vcpus"), number(f, "ram"), number(f, "disk"));
        let cost = vcpus.saturating_mul(30 * 1024).saturating_add(ram.saturating_mul(10));
        (!allowed, cost.saturating_add(disk.saturating_mul(3 * 1024)))
    })?;
    choice(cheapest)
}

/// The id of the default external network, else of the first by name.
pub(crate) fn external_network(networks: &[Value]) -> Option<String> {
    let external = networks.iter().filter(|n| n.get("router:external") == Some(&Value::Bool(true)));
    let first = external.min_by_key(|n| {
        let default = n.get("is_default") == Some(&Value::Bool(true));
        (!default, n.get("name").and_then(Value::as_str).unwrap_or_default().to_owned())
    })?;
    Some(choice(first)?.id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The vector of the reference suite.
    #[test]
    fn the_image_is_the_one_that_the_reference_takes() {
        let item = |name: &str, distro: Value, version: Value| json!({"id": name, "name": name, "visibility": "public", "os_distro": distro, "os_version": version});
        let images = [
            item("a", json!("ubuntu"), json!("24.04")),
            item("b", json!("debian"), json!("12")),
            item("c", json!("Debian"), json!("trixie")),
            item("d", json!("fedora"), json!("41")),
            item("e", Value::Null, Value::Null),
            item("f", json!("ubuntu"), json!("22.04")),
        ];
        let picked = image(&images, None).unwrap();
        assert_eq!(picked.choice.name, "c");
        assert_eq!((picked.min_ram_mib, picked.volume_gib), (0, 8));
        let cd = json!({"id": "k", "visibility": "public", "disk_format": "iso"});
        assert_eq!(image(&[cd], None), None);
    }

    #[test]
    fn images_of_others_are_not_started() {
        let private = [json!({"id": "x", "visibility": "private", "owner": "p"})];
        assert_eq!(image(&private, Some("q")), None);
        assert_eq!(image(&private, Some("p")).unwrap().choice.id, "x");
        let nobodys = [json!({"id": "x", "visibility": "shared", "owner": null})];
        assert_eq!(image(&nobodys, None), None);
    }

    #[test]
    fn the_volume_holds_the_image() {
        let large = json!({"id": "x", "visibility": "public", "min_disk": 10, "min_ram": 2048, "virtual_size": 21474836481u64});
        let picked = image(&[large], None).unwrap();
        assert_eq!((picked.min_ram_mib, picked.volume_gib), (2048, 21));
    }

    #[test]
    fn the_flavor_is_the_cheapest_that_lets_the_guest_have_entropy() {
        let item = |name: &str, vcpus: u64, ram: u64, disk: u64, rng: &str| {
            json!({"id": name, "name": name, "vcpus": vcpus, "ram": ram, "disk": disk,
                   "extra_specs": {"hw_rng:allowed": rng}})
        };
        let flavors = [
            item("tiny", 1, 512, 0, "true"),
            item("closed", 1, 1024, 0, "false"),
            item("small", 1, 2048, 0, "True"),
            item("disk", 1, 1024, 100, "True"),
        ];
        assert_eq!(flavor(&flavors, 0).unwrap().name, "small");
        assert_eq!(flavor(&flavors[..2], 0).unwrap().name, "closed");
        assert_eq!(flavor(&flavors, 4096), None);
    }

    #[test]
    fn the_default_external_network_comes_first() {
        let item = |name: &str, external: bool, default: bool| json!({"id": name, "name": name, "router:external": external, "is_default": default});
        let networks = [item("z", true, true), item("a", true, false), item("b", false, true)];
        assert_eq!(external_network(&networks).as_deref(), Some("z"));
        assert_eq!(external_network(&networks[1..]).as_deref(), Some("a"));
        assert_eq!(external_network(&networks[2..]), None);
    }
}
