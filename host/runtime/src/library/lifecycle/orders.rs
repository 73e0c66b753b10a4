//! What people order by hand: pin, roll back, load again, switch off and on.

use super::{Effect, Lifecycle, Plugin, World};
use crate::library::change::Change;
use crate::library::clock::Moment;
use crate::library::ledger::MarkKind;

/// The shortest beginning of a hash that names a version.
const SHORTEST_PIN: usize = 8;

/// What somebody orders.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// Look at the files again, and try again what was rejected or set aside.
    Reload,
    /// Serve the version before this one, and do not come back to this one by yourself.
    Rollback,
    /// Serve the version whose hash begins so, whatever lies in the directory.
    Pin(String),
    /// Serve again what lies in the directory.
    Unpin,
    /// Serve it no more.
    Disable,
    /// Serve it again.
    Enable,
}

/// Why an order is not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OrderError {
    /// There is no such plugin.
    #[error("there is no plugin `{id}`{}", known(ids))]
    Unknown {
        /// The id.
        id: String,
        /// Those that there are.
        ids: Vec<String>,
    },
    /// There is nothing to go back to.
    #[error("there is no former version of `{id}` that can serve: put its files into the plugin directory")]
    NoFormer {
        /// The id.
        id: String,
    },
    /// A pin would undo the order at once.
    #[error("`{id}` is pinned to {pin}: take the pin away first, or pin another version")]
    Pinned {
        /// The id.
        id: String,
        /// The pin.
        pin: String,
    },
    /// No version is called so.
    #[error("`{id}` has no version whose hash begins with `{pin}`{}", known(hashes))]
    NoVersion {
        /// The id.
        id: String,
        /// What was given.
        pin: String,
        /// Those that there are.
        hashes: Vec<String>,
    },
    /// The host's configuration decides this.
    #[error("the host's configuration decides this with `{key}` under [plugins.{id}]: change it there")]
    Configured {
        /// The id.
        id: String,
        /// The key.
        key: &'static str,
    },
    /// The library is closed.
    #[error("the host is shutting down")]
    Closed,
}

fn known(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("; there are {}", names.join(", ")) }
}

impl<W: World> Lifecycle<W> {
    /// Takes an order, and says what is to be done.
    pub(crate) fn order(&mut self, now: Moment, id: &str, order: Order) -> Result<Vec<Effect<W>>, OrderError> {
        let Some(plugin) = self.plugins.get(id) else {
            return Err(OrderError::Unknown { id: id.to_owned(), ids: self.plugins.keys().cloned().collect() });
        };
        let config = self.host.plugin(id);
        match order {
            Order::Reload => self.reload(id),
            Order::Rollback => {
                if let Some(pin) = config.pin.as_ref().or(plugin.memory.pin.as_ref()) {
                    return Err(OrderError::Pinned { id: id.to_owned(), pin: pin.clone() });
                }
                self.roll_back(now, id)?;
            }
            Order::Pin(_) | Order::Unpin if config.pin.is_some() => {
                return Err(OrderError::Configured { id: id.to_owned(), key: "pin" });
            }
            Order::Pin(pin) => {
                let hash = self.find_version(id, plugin, &pin)?;
                self.change(id, |plugin| plugin.memory.pin = Some(hash));
            }
            Order::Unpin => self.change(id, |plugin| plugin.memory.pin = None),
            Order::Enable if !config.enabled => {
                return Err(OrderError::Configured { id: id.to_owned(), key: "enabled" });
            }
            Order::Enable => self.change(id, |plugin| plugin.memory.disabled = false),
            Order::Disable => self.change(id, |plugin| plugin.memory.disabled = true),
        }
        self.settle(id, now);
        self.debounce.hurry(now, &self.timing);
        Ok(self.tick(now))
    }

    /// Looks at everything again at once, and tries nothing again that was rejected.
    pub(crate) fn look_now(&mut self, now: Moment) -> Vec<Effect<W>> {
        self.debounce.hurry(now, &self.timing);
        self.tick(now)
    }

    fn change(&mut self, id: &str, change: impl FnOnce(&mut Plugin<W>)) {
        if let Some(plugin) = self.plugins.get_mut(id) {
            change(plugin);
            self.effects.push(Effect::Remember);
        }
    }

    fn reload(&mut self, id: &str) {
        self.change(id, |plugin| {
            plugin.memory.marks.clear();
            plugin.retry_at = None;
        });
        let place = self.plugins.get(id).and_then(|plugin| plugin.place.clone());
        if let Some(place) = place.filter(|place| self.places.contains_key(place)) {
            self.ask_to_read(place);
        }
    }

    fn roll_back(&mut self, now: Moment, id: &str) -> Result<(), OrderError> {
        let at_ms = self.wall_ms(now);
        let no_former = || OrderError::NoFormer { id: id.to_owned() };
        let plugin = self.plugins.get_mut(id).ok_or_else(no_former)?;
        let live = plugin.live.as_ref().map(|live| live.name.clone()).ok_or_else(no_former)?;
        if !plugin.memory.history.iter().any(|past| past.hash != live.hash && !plugin.is_marked(&past.hash)) {
            return Err(no_former());
        }
        let why = "somebody has rolled it back".to_owned();
        plugin.mark(&live.hash, MarkKind::SetAside, why.clone(), at_ms);
        self.effects.push(Effect::Remember);
        self.tell(Change::SetAside { version: live, why });
        Ok(())
    }

    fn find_version(&self, id: &str, plugin: &Plugin<W>, pin: &str) -> Result<String, OrderError> {
        let found = (pin.len() >= SHORTEST_PIN).then(|| plugin.resolve(pin, self.offer(plugin))).flatten();
        found.ok_or_else(|| {
            let hashes =
                plugin.memory.history.iter().filter_map(|past| past.hash.get(..12)).map(str::to_owned).collect();
            OrderError::NoVersion { id: id.to_owned(), pin: pin.to_owned(), hashes }
        })
    }
}
