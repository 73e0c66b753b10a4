//! What this machine is: the tool `get_system_info`, and what a device says of itself when it registers.

use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};

use hangar_aip::{DeviceInfo, Id};
use serde_json::{Value, json};
use sysinfo::{Disks, System};

use super::tool::{Answer, Description};

const GIB: f64 = (1_u64 << 30) as f64;

/// Disks that are told of.
const DISKS: usize = 64;

/// The tool, as it is listed.
pub fn describe() -> Description {
    Description {
        name: "get_system_info",
        title: "System information",
        namespace: "system",
        text: "Tells what this machine is and how it stands: system, processors, load, memory, disks, up-time".into(),
        output: json!({
            "type": "object",
            "properties": {
                "uname": {"type": "string"}, "hostname": {"type": "string"}, "system": {"type": "string"},
                "kernel": {"type": "string"}, "architecture": {"type": "string"}, "uptime_seconds": {"type": "integer"},
                "cpu_count": {"type": "integer"}, "load_average": {"type": "array", "items": {"type": "number"}},
                "memory": {"type": "object"}, "disks": {"type": "array", "items": {"type": "object"}},
            },
        }),
        only_looks: true,
        ..Description::default()
    }
}

/// Tells it.
pub async fn tell(parameters: &Value) -> Answer {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}

    let Nothing {} = super::tool::read(parameters)?;
    let looked = tokio::task::spawn_blocking(look).await;
    looked.map_err(|error| format!("The device made a mistake: {error}"))
}

fn look() -> Value {
    let (hostname, kernel) = (System::host_name().ok(), System::kernel_version().ok());
    let architecture = System::cpu_arch();
    let name = System::name().unwrap_or_else(|_| std::env::consts::OS.to_owned());
    let words =
        [std::env::consts::OS, hostname.as_deref().unwrap_or("?"), kernel.as_deref().unwrap_or("?"), &architecture];
    let load = System::load_average().ok().map(|load| [load.one, load.five, load.fifteen]);
    let memory = memory().map(|system| {
        json!({
            "total_bytes": system.total_memory(), "available_bytes": system.available_memory(),
            "swap_total_bytes": system.total_swap(), "swap_free_bytes": system.free_swap(),
        })
    });
    json!({
        "uname": words.join(" "),
        "hostname": hostname,
        "system": System::long_os_version().unwrap_or(name),
        "kernel": kernel,
        "architecture": architecture,
        "uptime_seconds": System::uptime().ok(),
        "cpu_count": std::thread::available_parallelism().ok().map(|count| count.get()),
        "load_average": load,
        "memory": memory,
        "disks": disks(),
    })
}

fn memory() -> Option<System> {
    let mut system = System::new().ok()?;
    system.refresh_memory();
    Some(system)
}

fn disks() -> Vec<Value> {
    let Ok(disks) = Disks::new_with_refreshed_list() else { return Vec::new() };
    let tell = |disk: &sysinfo::Disk| {
        json!({
            "mounted_at": disk.mount_point().to_string_lossy(),
            "file_system": disk.file_system().to_string_lossy(),
            "total_bytes": disk.total_space(),
            "available_bytes": disk.available_space(),
        })
    };
    disks.iter().take(DISKS).map(tell).collect()
}

/// The name of this machine.
pub fn host_name() -> Option<String> {
    System::host_name().ok()
}

/// What a device says of itself. Its address is the one from which it reaches the server.
pub fn device_info(id: &Id, server: Option<(&str, u16)>, has_screen: bool) -> DeviceInfo {
    let mut features = vec!["cli".to_owned(), "file_system".to_owned()];
    features.extend(has_screen.then(|| "gui".to_owned()));
    features.extend(match std::env::consts::OS {
        "linux" => Some("linux_apps".to_owned()),
        "macos" => Some("macos_apps".to_owned()),
        "windows" => Some("windows_apps".to_owned()),
        _ => None,
    });
    DeviceInfo {
        os_version: System::long_os_version().ok(),
        memory_total_gb: memory().map(|system| (system.total_memory() as f64 / GIB * 10.0).round() / 10.0),
        hostname: host_name(),
        ip_address: server.and_then(|server| own_address(server).map(|address| address.ip().to_string())),
        supported_features: features,
        ..DeviceInfo::of_this_machine(id)
    }
}

/// The address from which a peer is reached. Nothing is sent.
fn own_address(peer: (&str, u16)) -> Option<SocketAddr> {
    let peer = peer.to_socket_addrs().ok()?.next()?;
    let any: SocketAddr = if peer.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(peer).ok()?;
    socket.local_addr().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_machine_is_told_of() {
        let told = tell(&json!({})).await.unwrap();
        assert!(told["uname"].as_str().unwrap().starts_with(std::env::consts::OS), "{told}");
        assert!(
            told["cpu_count"].as_u64().unwrap() > 0 && told["memory"]["total_bytes"].as_u64().unwrap() > 0,
            "{told}"
        );
        let listed: Vec<String> = describe().output["properties"].as_object().unwrap().keys().cloned().collect();
        assert!(listed.iter().all(|key| !told[key].is_null()), "{told}");
        assert!(tell(&json!({"all": true})).await.unwrap_err().contains("unknown field `all`"));
    }

    #[test]
    fn a_device_says_what_it_is() {
        let id = Id::new("lab").unwrap();
        let info = device_info(&id, Some(("127.0.0.1", 5000)), true);
        assert_eq!((info.device_id.as_deref(), info.ip_address.as_deref()), (Some("lab"), Some("127.0.0.1")));
        assert!(info.memory_total_gb.unwrap() > 0.0 && info.supported_features.contains(&"gui".to_owned()));
        assert!(!device_info(&id, None, false).supported_features.contains(&"gui".to_owned()));
    }
}
