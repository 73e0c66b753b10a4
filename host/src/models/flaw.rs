//! What can be wrong with a request before anybody is asked: **every text that says so**.

use super::quote::bounded;

/// Why no model can be asked this; for the plugin's author, or for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// There is nobody to ask.
    #[error("this host has no model; its operator configures one, or sets HANGAR_MODEL and OPENAI_API_KEY")]
    NoModels,
    /// Nobody goes by this word.
    #[error("no model goes by `{}`, neither as a name nor as a role; there are {}", bounded(asked), bounded(&known.join(", ")))]
    UnknownModel {
        /// The word.
        asked: String,
        /// Who there is.
        known: Vec<String>,
    },
    /// Tool calls are to be spoken in a way that is not there.
    #[error("the engine `{}` is not there yet; use `native`, or leave it empty", bounded(.0))]
    Engine(String),
    /// Tools for a model that calls none.
    #[error(
        "it does not call tools natively, and other ways are not there yet; ask another model, or ask without tools"
    )]
    CallsNoTools,
    /// A picture for a model that sees none.
    #[error("it does not understand pictures; ask a model with `vision`, or leave the pictures out")]
    SeesNothing,
    /// A file.
    #[error("files cannot be shown to a model; put their content into a text part")]
    FilePart,
    /// A picture without bytes.
    #[error("the session has no blob `{}` to show; use an id that the host gave out in this session", bounded(.0))]
    NoBlob(String),
    /// A picture that is none.
    #[error("a blob of type `{}` is no picture; an image part needs one like `image/png`", bounded(.0))]
    NoPicture(String),
    /// A picture where no endpoint takes one.
    #[error("a message of role `{}` cannot have pictures; put them into one of role `user`", bounded(.0))]
    PictureInRole(String),
    /// A call that somebody else made.
    #[error("a message of role `{}` cannot have tool calls; they belong into one of role `assistant`", bounded(.0))]
    CallInRole(String),
    /// A result that somebody else told.
    #[error("a message of role `{}` cannot have tool results; they belong into one of role `tool`", bounded(.0))]
    ResultInRole(String),
    /// A message of the tools that says something else.
    #[error("a message of role `tool` consists of tool results only; put other parts into one of role `user`")]
    OtherThanResults,
    /// A message of nobody.
    #[error("a message needs a role: `system`, `user`, `assistant` or `tool`")]
    NoRole,
    /// Something of a later version.
    #[error("this host does not know the message input `{}`", bounded(.0))]
    UnknownInput(String),
    /// The same.
    #[error("this host does not know the response format `{}`", bounded(.0))]
    UnknownFormat(String),
    /// A tool that cannot be called.
    #[error("a tool needs a name")]
    NamelessTool,
    /// Two tools that a call cannot tell apart.
    #[error("two tools are called `{}`; a model could not tell them apart", bounded(.0))]
    SameTool(String),
    /// More tools than anybody takes.
    #[error("the request has more than {limit} tools; offer those that matter now")]
    TooManyTools {
        /// How many it may have.
        limit: usize,
    },
    /// A choice that is none.
    #[error("the tool choice `{}` is not known; use `auto`, `none`, `required` or `tool:<name>`", bounded(.0))]
    ToolChoice(String),
    /// A choice of what is not there.
    #[error("the tool choice names `{}`, which is not among the tools of the request", bounded(.0))]
    ToolNotThere(String),
    /// A call is required, of nothing.
    #[error("the tool choice requires a call, but the request has no tools")]
    RequiredOfNothing,
    /// What should be JSON.
    #[error("{0} must be JSON")]
    NotJson(&'static str),
    /// What should be a number.
    #[error("`temperature` and `top-p` must be numbers")]
    NotANumber,
    /// A request that says nothing.
    #[error("the request has no message; tell the model something")]
    NothingToSay,
    /// A request that says too much.
    #[error("the request has more than {} MiB; leave out pictures or make them smaller", .limit >> 20)]
    TooLarge {
        /// How many bytes it may have.
        limit: usize,
    },
}
