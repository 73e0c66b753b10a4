//! Which actions and verdicts need which capability. What is not mentioned here is free.

use crate::contract::actions::{ActionBody, ListTools, Target, ToolScope};
use crate::contract::messages::Verdict;
use crate::contract::session::ModelInfo;
use crate::log::clean;
use crate::manifest::{Capabilities, Granted, Names};

/// The name that the default model goes by.
const DEFAULT_MODEL: &str = "default";

/// As much of a name as a refusal repeats.
const SHOWN: usize = 64;

/// Why a run with these models may not do this, and how to change that; none if it may.
pub(crate) fn denied_action(body: &ActionBody, granted: &Granted, models: &[ModelInfo]) -> Option<String> {
    match body {
        ActionBody::ListTools(list) => denied_list(list, granted),
        ActionBody::RunCommands(run) => denied_tool_set(&run.tool_set.agent, "running commands of", granted),
        ActionBody::CallTools(calls) => calls.iter().find_map(|call| denied_tool(&call.tool, granted)),
        ActionBody::AskModel(ask) => denied_model(&ask.model, granted, models),
        ActionBody::AskUser(_) => denied_switch("asking the user", "ask-user", granted, |may| may.ask_user),
        ActionBody::Delegate(delegate) => denied_target(&delegate.target, granted),
        ActionBody::EditImage(_) => denied_switch("editing images", "edit-image", granted, |may| may.edit_image),
        ActionBody::StoreGet(_) | ActionBody::StorePut(_) => {
            denied_switch("using the store", "store", granted, |may| may.store)
        }
        ActionBody::SetTimer(_)
        | ActionBody::CancelAction(_)
        | ActionBody::Emit(_)
        | ActionBody::Progress(_)
        | ActionBody::Finish(_)
        | ActionBody::Fail(_)
        | ActionBody::Extension(_) => None,
    }
}

/// Why a handler may not give this verdict, and how to change that; none if it may.
pub(crate) fn denied_verdict(verdict: &Verdict, granted: &Granted) -> Option<String> {
    let word = match verdict {
        Verdict::Pass => return None,
        Verdict::Replace(_) => "replace",
        Verdict::Reply(_) => "reply",
        Verdict::Reject(_) => "reject",
        Verdict::Route(_) => "route",
        Verdict::Broadcast => "broadcast",
        Verdict::Hold(_) => "hold",
        Verdict::StartSession(_) => "start-session",
        Verdict::Deny(_) => "deny",
        Verdict::Extension(_) => "extension",
    };
    let say = || (format!("the verdict `{word}`"), entry("verdicts", word));
    granted.denial(|may| may.verdicts.allows(word), say)
}

/// Listing is allowed to whoever may use something of it; whoever carries it out leaves out what the run may not use.
fn denied_list(list: &ListTools, granted: &Granted) -> Option<String> {
    match &list.scope {
        ToolScope::Device(set) => denied_tool_set(&set.agent, "listing", granted),
        ToolScope::Host => {
            let say = || ("listing the host's tools".to_owned(), entry("host-tools", ""));
            granted.denial(|may| !may.host_tools.is_empty(), say)
        }
        ToolScope::Delegates => {
            let say = || ("listing whom to delegate to".to_owned(), entry("delegate", ""));
            granted.denial(|may| !may.delegate.is_empty(), say)
        }
        ToolScope::Extension(_) => None,
    }
}

fn denied_tool_set(agent: &str, doing: &str, granted: &Granted) -> Option<String> {
    let say = || {
        let what = match agent {
            "" => format!("{doing} a tool set without a name"),
            agent => format!("{doing} the tool set `{}`", shown(agent)),
        };
        (what, entry("device-tools", agent))
    };
    granted.denial(|may| may.device_tools.allows(agent), say)
}

fn denied_tool(tool: &str, granted: &Granted) -> Option<String> {
    let say = || (format!("calling the tool `{}`", shown(tool)), entry("host-tools", tool));
    granted.denial(|may| may.host_tools.allows(tool), say)
}

/// A model is allowed under the word that it is asked by, and under its name and its role. The first one is the default.
fn denied_model(asked: &str, granted: &Granted, models: &[ModelInfo]) -> Option<String> {
    let word = if asked.is_empty() { DEFAULT_MODEL } else { asked };
    let by = |name: fn(&ModelInfo) -> &str| models.iter().position(|model| name(model) == word);
    let first = (word == DEFAULT_MODEL).then_some(0);
    let named = || by(|model| &model.name).or_else(|| by(|model| &model.role));
    let at = if asked.is_empty() { first } else { named().or(first) };
    let mut words = vec![word];
    words.extend(at.and_then(|at| models.get(at)).into_iter().flat_map(|model| [model.name.as_str(), &model.role]));
    words.extend((at == Some(0)).then_some(DEFAULT_MODEL));
    let allowed = |may: &Capabilities| words.iter().any(|word| !word.is_empty() && may.models.allows(word));
    granted.denial(allowed, || (format!("asking the model `{}`", shown(word)), entry("models", word)))
}

fn denied_target(target: &Target, granted: &Granted) -> Option<String> {
    let kind = match target {
        Target::Device(_) | Target::Any(_) => "device",
        Target::Agent(_) => "agent",
        Target::Extension(_) => "extension",
    };
    let say = || (format!("delegating to a target of the kind `{kind}`"), entry("delegate", kind));
    granted.denial(|may| may.delegate.allows(kind), say)
}

fn denied_switch(what: &str, key: &str, granted: &Granted, on: fn(&Capabilities) -> bool) -> Option<String> {
    granted.denial(on, || (what.to_owned(), format!("{key} = true")))
}

fn shown(name: &str) -> String {
    clean(name, SHOWN)
}

/// The line of TOML that allows this name; what has none is allowed only with all others.
fn entry(key: &str, name: &str) -> String {
    let names = if name.is_empty() { Names::all() } else { Names::of([shown(name).as_str()]) };
    format!("{key} = {names}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn granted(requested: Capabilities, granted: Capabilities) -> Granted {
        Granted::new("greeter", requested, granted)
    }

    fn action(body: Value) -> ActionBody {
        serde_json::from_value(body).unwrap()
    }

    fn denied(body: Value, requested: &Capabilities) -> Option<String> {
        denied_action(&action(body), &granted(requested.clone(), Capabilities::everything()), &[])
    }

    fn model(name: &str, role: &str) -> ModelInfo {
        serde_json::from_value(json!({"name": name, "role": role})).unwrap()
    }

    #[test]
    fn every_capability_guards_its_actions_and_no_others() {
        let all = Capabilities::everything;
        let device = |agent: &str| json!({"run_commands": {"tool_set": {"agent": agent}, "calls": []}});
        let list = |scope: Value| json!({"list_tools": {"scope": scope}});
        let ask = json!({"ask_model": {"response_format": "text"}});
        let delegate = |target: Value| json!({"delegate": {"target": target}});
        let guards = [
            ("device-tools", Capabilities { device_tools: Names::none(), ..all() }),
            ("host-tools", Capabilities { host_tools: Names::none(), ..all() }),
            ("models", Capabilities { models: Names::none(), ..all() }),
            ("ask-user", Capabilities { ask_user: false, ..all() }),
            ("delegate", Capabilities { delegate: Names::none(), ..all() }),
            ("store", Capabilities { store: false, ..all() }),
            ("edit-image", Capabilities { edit_image: false, ..all() }),
        ];
        let actions = [
            (device("LinuxAgent"), "device-tools = [\"LinuxAgent\"]"),
            (device(""), "device-tools = [\"*\"]"),
            (list(json!({"device": {"agent": "LinuxAgent"}})), "device-tools = [\"LinuxAgent\"]"),
            (list(json!("host")), "host-tools = [\"*\"]"),
            (list(json!("delegates")), "delegate = [\"*\"]"),
            (list(json!({"extension": {"kind": "later"}})), ""),
            (json!({"call_tools": [{"tool": "search.web"}]}), "host-tools = [\"search.web\"]"),
            (json!({"call_tools": []}), ""),
            (ask, "models = [\"default\"]"),
            (json!({"ask_user": {}}), "ask-user = true"),
            (delegate(json!({"device": "lab-1"})), "delegate = [\"device\"]"),
            (delegate(json!({"any": {}})), "delegate = [\"device\"]"),
            (delegate(json!({"agent": "a"})), "delegate = [\"agent\"]"),
            (delegate(json!({"extension": {"kind": "later"}})), "delegate = [\"extension\"]"),
            (json!({"store_get": "key"}), "store = true"),
            (json!({"store_put": {"key": "key"}}), "store = true"),
            (json!({"edit_image": {"source": ""}}), "edit-image = true"),
            (json!({"set_timer": 1}), ""),
            (json!({"cancel_action": 1}), ""),
            (json!({"emit": {"status": ""}}), ""),
            (json!({"progress": {}}), ""),
            (json!({"finish": {}}), ""),
            (json!({"fail": {}}), ""),
            (json!({"extension": {"kind": "later"}}), ""),
        ];
        for (body, entry) in actions {
            for (key, capabilities) in &guards {
                let guarded = entry.starts_with(&format!("{key} ="));
                let denial = denied(body.clone(), capabilities);
                assert_eq!(denial.is_some(), guarded, "{body} without {key}: {denial:?}");
                if let Some(text) = denial {
                    let fix = format!("request it with `{entry}` under [capabilities] in plugin.toml");
                    assert!(text.ends_with(&fix), "{text}");
                }
            }
            assert_eq!(denied(body, &all()), None);
        }
    }

    #[test]
    fn a_call_needs_all_its_tools() {
        let calls = json!({"call_tools": [{"tool": "search.web"}, {"tool": "pay"}]});
        let text =
            denied(calls, &Capabilities { host_tools: Names::of(["search.*"]), ..Capabilities::none() }).unwrap();
        assert!(text.starts_with("calling the tool `pay` is not granted"), "{text}");
    }

    #[test]
    fn the_text_says_what_is_missing_where() {
        let none = Capabilities::none;
        let all = Capabilities::everything;
        let text =
            |requested, allowed| denied_action(&action(json!({"ask_user": {}})), &granted(requested, allowed), &[]);
        let request = "request it with `ask-user = true` under [capabilities] in plugin.toml";
        let place = "under [plugins.greeter.grants] in the host's configuration";
        assert_eq!(text(none(), all()).unwrap(), format!("asking the user is not granted: {request}"));
        assert_eq!(
            text(all(), none()).unwrap(),
            format!("asking the user is not granted: grant it with `ask-user = true` {place}")
        );
        assert_eq!(
            text(none(), none()).unwrap(),
            format!("asking the user is not granted: {request} and grant it {place}")
        );
        assert_eq!(text(all(), all()), None);
    }

    #[test]
    fn a_model_goes_by_its_name_and_by_its_role() {
        let models = [model("gpt", "default"), model("tiny", "cheap"), model("plain", "")];
        let ask = |asked: &str, requested: &str, allowed: &str| {
            let body = action(json!({"ask_model": {"model": asked, "response_format": "text"}}));
            let may = |name: &str| Capabilities { models: Names::of([name]), ..Capabilities::none() };
            denied_action(&body, &granted(may(requested), may(allowed)), &models).is_none()
        };
        for asked in ["", "default", "gpt"] {
            assert!(ask(asked, "default", "default") && ask(asked, "gpt", "g*") && ask(asked, "*", "default"));
            assert!(ask(asked, "default", "gpt"), "one lists it by role, the other by name");
            assert!(!ask(asked, "cheap", "*") && !ask(asked, "*", "tiny"));
        }
        assert!(ask("cheap", "tiny", "cheap") && ask("tiny", "cheap", "*"));
        assert!(!ask("tiny", "default", "*") && !ask("plain", "default", "*"));
        assert!(ask("unknown", "unknown", "*") && !ask("unknown", "default", "*"));
    }

    #[test]
    fn the_first_model_is_the_default_whatever_its_role() {
        let models = [model("gpt", "vision"), model("tiny", "cheap")];
        let may = Capabilities { models: Names::of(["default"]), ..Capabilities::none() };
        for (asked, allowed) in [("", true), ("default", true), ("gpt", true), ("vision", true), ("cheap", false)] {
            let body = action(json!({"ask_model": {"model": asked, "response_format": "text"}}));
            let denial = denied_action(&body, &granted(may.clone(), may.clone()), &models);
            assert_eq!(denial.is_none(), allowed, "{asked}: {denial:?}");
        }
        let by_name = Capabilities { models: Names::of(["gpt"]), ..Capabilities::none() };
        let body = action(json!({"ask_model": {"model": "default", "response_format": "text"}}));
        assert_eq!(denied_action(&body, &granted(by_name.clone(), by_name), &models), None);
    }

    #[test]
    fn names_in_a_refusal_are_short_and_clean() {
        let name = format!("\u{1b}[31m\"{}", "x".repeat(1_000));
        let text = denied(json!({"call_tools": [{"tool": name}]}), &Capabilities::none()).unwrap();
        assert!(text.len() < 300 && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn verdicts_are_granted_by_name() {
        let safe = granted(Capabilities::safe(), Capabilities::safe());
        let allowed = |verdict: Value| denied_verdict(&serde_json::from_value(verdict).unwrap(), &safe).is_none();
        assert!(allowed(json!("pass")) && allowed(json!({"reject": {}})) && allowed(json!({"deny": []})));
        for verdict in [
            json!({"replace": {}}),
            json!({"reply": {}}),
            json!({"route": []}),
            json!("broadcast"),
            json!({"hold": {}}),
            json!({"start_session": {}}),
            json!({"extension": {}}),
        ] {
            assert!(!allowed(verdict.clone()), "{verdict}");
        }
    }
}
