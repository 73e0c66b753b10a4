//! What a plugin answered to one event, and how a test looks at it.

use hangar_plugin_behaviour::actions::{
    Action, ActionBody, AskModel, AskUser, Call, Delegate, Emit, Fail, Finish, ModelInput,
};
use hangar_plugin_behaviour::values::Part;

/// What a plugin answered to one event.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its actions, in order.
    pub actions: Vec<Action>,
}

impl Step {
    /// Whether the run goes on.
    pub fn is_waiting(&self) -> bool {
        !matches!(self.actions.last().map(|action| &action.body), Some(ActionBody::Finish(_) | ActionBody::Fail(_)))
    }

    /// How the run finished.
    ///
    /// # Panics
    /// If it did not finish.
    #[track_caller]
    pub fn finished(&self) -> &Finish {
        self.find("finish", |body| if let ActionBody::Finish(finish) = body { Some(finish) } else { None })
    }

    /// How the run failed.
    ///
    /// # Panics
    /// If it did not fail.
    #[track_caller]
    pub fn failed(&self) -> &Fail {
        self.find("fail", |body| if let ActionBody::Fail(fail) = body { Some(fail) } else { None })
    }

    /// The commands for the device.
    ///
    /// # Panics
    /// If there are none.
    #[track_caller]
    pub fn commands(&self) -> &[Call] {
        self.find("run-commands", |body| {
            if let ActionBody::RunCommands(run) = body { Some(run.calls.as_slice()) } else { None }
        })
    }

    /// The calls of tools of the host.
    ///
    /// # Panics
    /// If there are none.
    #[track_caller]
    pub fn tool_calls(&self) -> &[Call] {
        self.find(
            "call-tools",
            |body| if let ActionBody::CallTools(calls) = body { Some(calls.as_slice()) } else { None },
        )
    }

    /// The request to a model.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn model_request(&self) -> &AskModel {
        self.find("ask-model", |body| if let ActionBody::AskModel(ask) = body { Some(ask) } else { None })
    }

    /// All text of the request to a model, messages separated by a line feed.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn model_text(&self) -> String {
        let texts = self.model_request().messages.iter().filter_map(|input| match input {
            ModelInput::Message(message) => Some(message.parts.iter().filter_map(Part::as_text).collect::<String>()),
            ModelInput::History(_) | ModelInput::Extension(_) => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }

    /// The questions to the user.
    ///
    /// # Panics
    /// If there are none.
    #[track_caller]
    pub fn questions(&self) -> &AskUser {
        self.find("ask-user", |body| if let ActionBody::AskUser(ask) = body { Some(ask) } else { None })
    }

    /// What is to be done elsewhere.
    ///
    /// # Panics
    /// If nothing is.
    #[track_caller]
    pub fn delegated(&self) -> &Delegate {
        self.find("delegate", |body| if let ActionBody::Delegate(delegate) = body { Some(delegate) } else { None })
    }

    /// What watchers are shown, in order.
    pub fn emitted(&self) -> Vec<&Emit> {
        self.actions
            .iter()
            .filter_map(|action| if let ActionBody::Emit(emit) = &action.body { Some(emit) } else { None })
            .collect()
    }

    #[track_caller]
    fn find<'a, T>(&'a self, what: &str, of: impl Fn(&'a ActionBody) -> Option<T>) -> T {
        match self.actions.iter().find_map(|action| of(&action.body)) {
            Some(found) => found,
            None => panic!("there is no `{what}` in this step: {:#?}", self.actions),
        }
    }
}
