//! What the tests stand on: the server as a process of its own, in a folder of its own, with the plugins that it needs.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::players::{Api, Constellation, Device, Peer};

/// Nothing that is waited for here takes long; what takes this long is not going to happen.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How long a server may take to start, which includes compiling its plugins for the first time.
const START: Duration = Duration::from_secs(120);

/// Waits for what must come soon.
pub async fn within<T>(what: &str, coming: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, coming).await {
        Ok(come) => come,
        Err(_) => panic!("{what} has not come in {} s", PATIENCE.as_secs()),
    }
}

/// How a server is to be started.
#[derive(Debug, Clone)]
pub struct Setup {
    plugins: Vec<PathBuf>,
    config: String,
    options: Vec<String>,
    environment: Vec<(String, String)>,
    host: Option<String>,
    files: Vec<(String, String)>,
}

impl Setup {
    /// With the plugin for Linux, on loopback, with nothing configured.
    pub fn new() -> Self {
        Self::with(&["linux"])
    }

    /// With these of the plugins that ship, on loopback, with nothing configured.
    pub fn with(plugins: &[&str]) -> Self {
        Self {
            plugins: plugins.iter().map(|name| Self::shipped(name)).collect(),
            config: String::new(),
            options: Vec::new(),
            environment: Vec::new(),
            host: Some("127.0.0.1".into()),
            files: Vec::new(),
        }
    }

    /// The folder of a plugin that ships.
    pub fn shipped(name: &str) -> PathBuf {
        repository().join("target/dist/plugins").join(name)
    }

    /// With one more plugin, which was built to misbehave.
    pub fn hostile(mut self, name: &str) -> Self {
        self.plugins.push(fixture(name));
        self
    }

    /// With these lines in hangar.toml.
    pub fn config(mut self, lines: &str) -> Self {
        self.config.push_str(lines);
        self.config.push('\n');
        self
    }

    /// With these words on the command line, split at spaces.
    pub fn options(mut self, line: &str) -> Self {
        self.options.extend(line.split_whitespace().map(str::to_owned));
        self
    }

    /// With this file in its folder, readable by its owner alone.
    pub fn file(mut self, path: &str, content: &str) -> Self {
        self.files.push((path.into(), content.into()));
        self
    }

    /// With this variable in the environment.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Listening on this address; none for the one that is the default.
    pub fn host(mut self, host: Option<&str>) -> Self {
        self.host = host.map(str::to_owned);
        self
    }

    /// Starts it, and returns once it listens.
    pub async fn start(self) -> Stage {
        self.try_start().await.unwrap_or_else(|why| panic!("{why}"))
    }

    /// Starts it; if it does not come to listen, what it said.
    pub async fn try_start(self) -> Result<Stage, String> {
        let folder = tempfile::Builder::new().prefix("hangar-server-").tempdir().unwrap();
        fs::create_dir(folder.path().join("plugins")).unwrap();
        for plugin in &self.plugins {
            put(plugin, &folder.path().join("plugins"));
        }
        fs::write(folder.path().join("hangar.toml"), &self.config).unwrap();
        for (path, content) in &self.files {
            fs::write(folder.path().join(path), content).unwrap();
            fs::set_permissions(folder.path().join(path), Permissions::from_mode(0o600)).unwrap();
        }
        let said = Arc::new(Mutex::new(String::new()));
        let (child, address) = launch(&self, folder.path(), 0, &said).await?;
        Ok(Stage { setup: self, folder, child, address, said })
    }
}

/// A server that runs. It ends with the test; where the test fails, what the server said is shown.
pub struct Stage {
    setup: Setup,
    folder: TempDir,
    child: Child,
    address: SocketAddr,
    said: Arc<Mutex<String>>,
}

impl Stage {
    /// One as most tests need it.
    pub async fn new() -> Self {
        Setup::new().start().await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A device that has registered, for Linux.
    pub async fn device(&self, id: &str) -> Device {
        Device::join(self.address, id, "linux").await
    }

    /// A device of some platform.
    pub async fn device_on(&self, platform: &str, id: &str) -> Device {
        Device::join(self.address, id, platform).await
    }

    /// A constellation that has registered for a device, and has asked all that such a one asks first.
    pub async fn constellation(&self, name: &str, device: &str) -> Constellation {
        Constellation::join(self.address, name, device).await
    }

    /// A connection on which nothing was said yet.
    pub async fn peer(&self) -> Peer {
        Peer::connect(self.address, "").await.unwrap()
    }

    /// The HTTP API, without a key.
    pub fn api(&self) -> Api {
        Api::new(self.address, None)
    }

    /// The HTTP API, with this key.
    pub fn api_with(&self, key: &str) -> Api {
        Api::new(self.address, Some(key))
    }

    /// All that it has said so far, on both streams.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Waits until it has said this.
    pub async fn has_said(&self, text: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.said().contains(text) {
            assert!(Instant::now() < until, "the server does not say {text}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A path in its folder: `plugins/...`, `state/...`, `hangar.toml`.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Replaces a file as careful people do: written beside it and renamed.
    pub fn replace(&self, path: &str, content: impl AsRef<[u8]>) {
        let (beside, file) = (self.path(".beside"), self.path(path));
        fs::write(&beside, content).unwrap();
        fs::rename(beside, file).unwrap();
    }

    /// Changes the text in a file; what is to be changed must be there.
    pub fn change(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(path)).unwrap();
        assert!(text.contains(from), "{path} has no {from:?}:\n{text}");
        self.replace(path, text.replacen(from, to, 1));
    }

    /// Writes a file into its folder.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(path), content).unwrap();
    }

    /// The memory that it has, in MiB.
    pub fn resident_mib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    }

    /// Its process id.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Tells it to stop, as an operator does.
    pub fn tell_to_stop(&self) {
        kill_process(self.pid(), Signal::TERM).unwrap();
    }

    /// Waits until it takes no more connections.
    pub async fn stopped_listening(&self) {
        let until = Instant::now() + PATIENCE;
        while tokio::net::TcpStream::connect(self.address).await.is_ok() {
            assert!(Instant::now() < until, "the server goes on listening");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How it ended; it must be about to.
    pub async fn ended(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "the server does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Starts it again at the same address after it has ended.
    pub async fn start_again(&mut self) {
        let started = launch(&self.setup, self.folder.path(), self.address.port(), &self.said).await;
        let (child, address) = started.unwrap_or_else(|why| panic!("{why}"));
        self.child = child;
        assert_eq!(address.port(), self.address.port());
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- the server said\n{}---", self.said());
        }
    }
}

/// Starts the process and reads from its banner where it listens.
async fn launch(
    setup: &Setup,
    folder: &Path,
    port: u16,
    said: &Arc<Mutex<String>>,
) -> Result<(Child, SocketAddr), String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hangar"));
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in ["OPENAI_API_KEY", "OPENAI_BASE_URL", "HANGAR_MODEL", "HANGAR_API_KEY", "HANGAR_LOG_LEVEL"] {
        command.env_remove(name);
    }
    command.env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    command.env("XDG_STATE_HOME", folder.join("state-home"));
    command.envs(setup.environment.iter().map(|(name, value)| (name, value)));
    command.args(["serve", "--plugins", "plugins", "--state", "state", "--config", "hangar.toml"]);
    command.args(["--port", &port.to_string()]);
    if let Some(host) = &setup.host {
        command.args(["--host", host]);
    }
    command.args(&setup.options);
    let mut child = command.spawn().unwrap();
    let (found, address) = oneshot::channel();
    let mut found = Some(found);
    listen(child.stdout.take().unwrap(), Arc::clone(said), move |line| {
        if let Some(address) = address_in(line)
            && let Some(found) = found.take()
        {
            let _ = found.send(address);
        }
    });
    listen(child.stderr.take().unwrap(), Arc::clone(said), |_| {});
    match tokio::time::timeout(START, address).await {
        Ok(Ok(address)) => Ok((child, address)),
        other => {
            let _ = child.kill();
            let _ = child.wait();
            let why = if other.is_err() { "has not said where it listens" } else { "has ended at once" };
            Err(format!("the server {why}\n--- the server said\n{}---", said.lock().unwrap()))
        }
    }
}

/// Keeps what comes on a stream, and looks at each line.
fn listen(stream: impl Read + Send + 'static, said: Arc<Mutex<String>>, mut look: impl FnMut(&str) + Send + 'static) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut said = said.lock().unwrap();
            said.push_str(&line);
            said.push('\n');
            drop(said);
            look(&line);
        }
    });
}

/// The address in a line such as `listening on http://127.0.0.1:5000`.
fn address_in(line: &str) -> Option<SocketAddr> {
    let from = line.split_once("http://").or_else(|| line.split_once("https://"))?.1;
    let end = from.find(|at: char| !(at.is_ascii_hexdigit() || ".:[]".contains(at))).unwrap_or(from.len());
    from[..end].parse().ok()
}

/// Puts a plugin, a folder or a bare file, into a plugin directory.
fn put(plugin: &Path, directory: &Path) {
    let place = directory.join(plugin.file_name().unwrap());
    let must = |error| panic!("{}: {error}; run `make plugins`", plugin.display());
    if plugin.is_file() {
        fs::copy(plugin, place).unwrap_or_else(must);
        return;
    }
    let files =
        fs::read_dir(plugin).unwrap_or_else(|error| panic!("{}: {error}; run `make plugins`", plugin.display()));
    fs::create_dir(&place).unwrap();
    for file in files.map(Result::unwrap) {
        fs::copy(file.path(), place.join(file.file_name())).unwrap();
    }
}

/// The address of this machine that is not loopback. Nothing is sent to find it out.
pub fn address_of_this_machine() -> IpAddr {
    for (any, somewhere) in [("0.0.0.0:0", "198.51.100.1:9"), ("[::]:0", "[2001:db8::1]:9")] {
        let Ok(socket) = UdpSocket::bind(any) else { continue };
        if let (Ok(()), Ok(local)) = (socket.connect(somewhere), socket.local_addr())
            && !local.ip().is_loopback()
            && any.starts_with('0') == local.is_ipv4()
        {
            return local.ip();
        }
    }
    panic!(
        "this machine has no address but loopback: give it one, as in `ip addr add 10.99.0.1/32 dev lo`, and a route"
    );
}

/// A plugin that was built to misbehave.
pub fn fixture(name: &str) -> PathBuf {
    repository().join("target/plugins/hostile").join(format!("{name}.wasm"))
}

/// The repository.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
