//! How much entropy a new server has: starts one from an image that users use,
//! has it print what it finds to its serial console, and reads that.
//!
//! Source: SCS standard scs-0101-v1.

mod choice;
mod console;

use base64::Engine as _;
use serde_json::{Value, json};
use tidegate_openstack::{Api, Method};
use tokio::time::Instant;

use crate::fact::Fact;
use crate::region::{Creation, Halt, Region, Silence, available};
use crate::thing::Thing;

use choice::{Choice, external_network, flavor, image};

pub(crate) async fn probe(region: &Region<'_>) -> Result<Fact, Halt> {
    let apis = match Apis::find(region).await {
        Ok(apis) => apis,
        Err(why) => return Ok(Fact::failed(why)),
    };
    let chosen = match choose(region, &apis).await {
        Ok(chosen) => chosen,
        Err(why) => return Ok(Fact::failed(why)),
    };
    let fact = match measure(region, &apis, &chosen).await {
        Ok(output) => Fact::done().with("output", output),
        Err(Ended::Failed(why) | Ended::Halt(Halt::Budget(why))) => Fact::failed(why),
        Err(Ended::Halt(halt)) => return Err(halt),
    };
    let named = |c: &Choice| json!({"id": c.id, "name": c.name});
    Ok(fact.with("image", named(&chosen.image)).with("flavor", named(&chosen.flavor)))
}

struct Apis {
    compute: Api,
    image: Api,
    network: Api,
    volume: Api,
}

impl Apis {
    async fn find(region: &Region<'_>) -> Result<Self, String> {
        let find = async |service: &str| match region.api(service).await {
            Ok(Some(api)) => Ok(api),
            Ok(None) => Err(format!("the catalog has no {service} service")),
            Err(e) => Err(e.to_string()),
        };
        Ok(Self {
            compute: find("compute").await?,
            image: find("image").await?,
            network: find("network").await?,
            volume: find("block-storage").await?,
        })
    }
}

/// What the server is made of.
struct Chosen {
    image: Choice,
    /// Of the volume that it boots from.
    gib: u64,
    flavor: Choice,
    /// The id of the network that leads out.
    external: String,
}

async fn choose(region: &Region<'_>, apis: &Apis) -> Result<Chosen, String> {
    let list = async |api: &Api, path: &str, member: &str| {
        let reply = api.send(Method::GET, path, None).await;
        let reply = reply.map_err(|e| format!("cannot list {member}: {e}"))?;
        match reply.body.get(member).and_then(Value::as_array) {
            Some(all) if reply.ok() => Ok(all.clone()),
            _ => Err(format!("cannot list {member}: {}", reply.said)),
        }
    };
    let images = list(&apis.image, "images?status=active&limit=1000", "images").await?;
    let picked = image(&images, region.cloud.project())
        .ok_or("there is no active image that a server could boot")?;
    let flavors = list(&apis.compute, "flavors/detail", "flavors").await?;
    let flavor = flavor(&flavors, picked.min_ram_mib)
        .ok_or("there is no flavor with enough memory for the image")?;
    let networks = list(&apis.network, "networks?router:external=true", "networks").await?;
    let external = external_network(&networks)
        .ok_or("there is no external network, through which the server could load packages")?;
    Ok(Chosen { image: picked.choice, gib: picked.volume_gib, flavor, external })
}

/// Why there is no output.
enum Ended {
    Failed(String),
    Halt(Halt),
}

impl From<Halt> for Ended {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

async fn measure(region: &Region<'_>, apis: &Apis, chosen: &Chosen) -> Result<Value, Ended> {
    let network = json!({"network": {"name": region.name_of("network")}});
    let network = create(region, &apis.network, Thing::Network, "network", network).await?;
    let subnet = json!({"subnet": {
        "name": region.name_of("subnet"), "network_id": network,
        "ip_version": 4, "cidr": "10.1.0.0/24",
    }});
    let subnet = create(region, &apis.network, Thing::Subnet, "subnet", subnet).await?;
    let router = json!({"router": {
        "name": region.name_of("router"),
        "external_gateway_info": {"network_id": chosen.external},
    }});
    let router = create(region, &apis.network, Thing::Router, "router", router).await?;
    let path = format!("routers/{router}/add_router_interface");
    let answer = apis.network.send(Method::PUT, &path, Some(&json!({"subnet_id": subnet}))).await;
    match answer {
        Ok(reply) if reply.ok() => {}
        Ok(reply) => return Err(failed(format!("cannot connect the router: {}", reply.said))),
        Err(e) => return Err(failed(format!("cannot connect the router: {e}"))),
    }
    let port = json!({"port": {"name": region.name_of("port"), "network_id": network}});
    let port = create(region, &apis.network, Thing::Port, "port", port).await?;

    let mark = json!({"tidegate-probe": region.run});
    let volume = json!({"volume": {
        "name": region.name_of("root"), "size": chosen.gib,
        "imageRef": chosen.image.id, "metadata": mark,
    }});
    let volume = create(region, &apis.volume, Thing::Volume, "root", volume).await?;
    wait(region, &apis.volume, Thing::Volume, &volume, &available).await?;

    let script = console::script(region.run);
    let server = json!({"server": {
        "name": region.name_of("server"),
        "flavorRef": chosen.flavor.id,
        "networks": [{"port": port}],
        "block_device_mapping_v2": [{
            "boot_index": 0, "uuid": volume, "source_type": "volume",
            "destination_type": "volume", "delete_on_termination": false,
        }],
        "user_data": base64::engine::general_purpose::STANDARD.encode(script),
        "metadata": mark,
    }});
    let server = create(region, &apis.compute, Thing::Server, "server", server).await?;
    wait(region, &apis.compute, Thing::Server, &server, &active).await?;
    read_console(region, &apis.compute, &server).await
}

fn failed(why: String) -> Ended {
    Ended::Failed(why)
}

fn active(status: &str) -> Option<Result<(), String>> {
    match status {
        "active" => Some(Ok(())),
        "error" => Some(Err("it is in `error`".to_owned())),
        _ => None,
    }
}

async fn create(
    region: &Region<'_>,
    api: &Api,
    thing: Thing,
    what: &str,
    body: Value,
) -> Result<String, Ended> {
    let place = thing.place();
    let id = format!("{}/id", place.one);
    match region.create(api, thing, what, place.path, &body, &id).await? {
        Creation::Made { id, .. } => Ok(id),
        Creation::Refused(reply) => {
            Err(failed(format!("cannot create the {what}: {}", reply.said)))
        }
        Creation::Unknown(Silence { why, .. }) => {
            Err(failed(format!("cannot create the {what}: {why}")))
        }
    }
}

/// As long as the budget of time allows.
async fn wait(
    region: &Region<'_>,
    api: &Api,
    thing: Thing,
    id: &str,
    done: &(dyn Fn(&str) -> Option<Result<(), String>> + Sync),
) -> Result<(), Ended> {
    let pauses = std::iter::repeat(region.setting.pace.poll);
    let ended = region.wait(api, thing, id, pauses, done).await?;
    let what = match thing {
        Thing::Server => "server",
        _ => "volume",
    };
    ended.map_err(|why| failed(format!("the {what} does not get ready: {why}")))
}

/// Reads the serial console until the script's last line. What came until the
/// time is over counts, if anything did.
async fn read_console(region: &Region<'_>, compute: &Api, server: &str) -> Result<Value, Ended> {
    let pace = &region.setting.pace;
    let until = Instant::now() + pace.console;
    let path = format!("servers/{server}/action");
    let body = json!({"os-getConsoleOutput": {}});
    region.setting.tell(&format!("{}: waiting for the server's console", region.name));
    let mut best = console::Found::default();
    let mut why = "the serial console showed nothing of the probe".to_owned();
    loop {
        match compute.send(Method::POST, &path, Some(&body)).await {
            Ok(reply) if reply.ok() => {
                let found = console::read(region.run, reply.text("/output").unwrap_or_default());
                if found.lines() >= best.lines() {
                    best = found;
                }
                if best.ended {
                    return Ok(best.output());
                }
            }
            // No such function, or not allowed: that does not change.
            Ok(reply) if matches!(reply.status, 400 | 403 | 405 | 501) => {
                let why = format!("the server's console cannot be read: {}", reply.said);
                return Err(failed(why));
            }
            Ok(reply) => why = format!("the server's console cannot be read: {}", reply.said),
            Err(e) => why = format!("the server's console cannot be read: {e}"),
        }
        let over = Instant::now() >= until;
        let spent = region.budget.time();
        if (over || spent.is_err()) && best.lines() > 0 {
            return Ok(best.output());
        }
        if let Err(Halt::Budget(spent)) = spent {
            return Err(failed(format!("{why}, and {spent}")));
        }
        if over {
            return Err(failed(format!("{why} within {} s", pace.console.as_secs())));
        }
        tokio::time::sleep(pace.poll).await;
    }
}
