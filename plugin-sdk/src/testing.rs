//! Plays a plugin natively, under `cargo test`, without a host.
//!
//! ```
//! # use hangar_plugin_sdk::agent_loop::{Agent, Cx, Finish, Outcome};
//! # struct Greeter;
//! # impl Agent for Greeter {
//! #     async fn run(cx: Cx) -> Outcome {
//! #         cx.sleep(10).await?;
//! #         Ok(Finish::new(format!("Hello {}", cx.request())))
//! #     }
//! # }
//! use hangar_plugin_sdk::testing::Script;
//!
//! let mut script = Script::of::<Greeter>();
//! assert!(script.start("Ada").is_waiting());
//! assert_eq!(script.timer().finished().text, "Hello Ada");
//! ```
//!
//! A script answers the oldest action of the right kind that still waits, so nobody has to count tokens. What does not
//! fit (an answer that nothing waits for, an expectation that is not met) panics with a sentence.

pub mod directory;
mod messages;
mod script;
mod step;

pub use self::messages::{Messages, command, message};
pub use self::script::{Script, failure, success};
pub use self::step::Step;
