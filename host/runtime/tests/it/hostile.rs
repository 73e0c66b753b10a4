//! Plugins that misbehave. Each ends its own run and says why; a run of the same component beside it goes on.

use std::time::Duration;

use hangar_runtime::{Behaviour, Fault, Limits};

use crate::stage::{Player, behaviour, behaviour_with, last_text};

/// Lets the plugin do its deed in one run while another run of it waits, and gives what became of the first.
async fn deed_of(behaviour: &Behaviour, request: &str) -> Fault {
    let mut neighbour = Player::new(behaviour);
    neighbour.start("later").await.unwrap();
    let mut run = Player::new(behaviour);
    let fault = run.start(request).await.unwrap_err();
    assert!(run.run.is_over());
    let after = run.ring(1).await.unwrap_err();
    assert_eq!(after.code(), "over", "the instance is gone for good");
    assert!(after.to_string().contains(&fault.to_string()), "{after}");
    assert_eq!(last_text(&neighbour.cancel().await.unwrap()), "cancelled: user_requested");
    fault
}

async fn deed(name: &str) -> Fault {
    deed_of(&behaviour(&format!("hostile/{name}")).await, "now").await
}

#[tokio::test]
async fn an_endless_loop_is_cut_off() {
    let fault = deed("endless-loop").await;
    assert_eq!(fault, Fault::CpuLimit { limit: Duration::from_millis(500) });
    assert_eq!(fault.to_string(), "the plugin used more than 500ms of processor time in one step");
}

#[tokio::test]
async fn a_busy_machine_has_its_own_limit() {
    let limits = Limits { cpu_per_step: Duration::MAX, wall_per_step: Duration::from_millis(100), ..Limits::default() };
    let fault = deed_of(&behaviour_with("hostile/endless-loop", limits).await, "now").await;
    assert_eq!(fault, Fault::WallLimit { limit: Duration::from_millis(100) });
}
