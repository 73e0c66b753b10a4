//! Reads types and functions.

use wit_parser::{FunctionKind, Handle, Type, TypeDef, TypeDefKind, TypeId, TypeOwner};

use super::Error;
use super::package::{Reader, since};
use super::shape::{Composite, Definition, Function, Member, Shape};

impl Reader<'_> {
    pub fn definition(&self, id: TypeId) -> Result<Definition, Error> {
        let definition = self.type_def(id)?;
        Ok(Definition { since: since(&definition.stability), shape: self.shape(definition)? })
    }

    fn shape(&self, definition: &TypeDef) -> Result<Shape, Error> {
        let plain = |name: &String| Member { name: name.clone(), carries: None };
        Ok(match &definition.kind {
            TypeDefKind::Record(record) => {
                let fields = record.fields.iter();
                let fields = fields.map(|field| self.member(&field.name, Some(&field.ty)));
                Shape::Composite(Composite::Record, fields.collect::<Result<_, _>>()?)
            }
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter();
                let cases = cases.map(|case| self.member(&case.name, case.ty.as_ref()));
                Shape::Composite(Composite::Variant, cases.collect::<Result<_, _>>()?)
            }
            TypeDefKind::Enum(cases) => {
                let cases = cases.cases.iter().map(|case| plain(&case.name));
                Shape::Composite(Composite::Enum, cases.collect())
            }
            TypeDefKind::Flags(flags) => {
                let flags = flags.flags.iter().map(|flag| plain(&flag.name));
                Shape::Composite(Composite::Flags, flags.collect())
            }
            TypeDefKind::Resource => Shape::Resource,
            other => Shape::Alias(self.unnamed(other)?),
        })
    }

    fn member(&self, name: &str, carries: Option<&Type>) -> Result<Member, Error> {
        Ok(Member { name: name.to_owned(), carries: carries.map(|ty| self.written(ty)).transpose()? })
    }

    pub fn function(&self, function: &wit_parser::Function) -> Result<(String, Function), Error> {
        let kind = match function.kind {
            FunctionKind::Freestanding | FunctionKind::Method(_) => "func",
            FunctionKind::AsyncFreestanding | FunctionKind::AsyncMethod(_) => "async func",
            FunctionKind::Static(_) => "static func",
            FunctionKind::AsyncStatic(_) => "static async func",
            FunctionKind::Constructor(_) => "constructor",
        };
        let is_method = matches!(function.kind, FunctionKind::Method(_) | FunctionKind::AsyncMethod(_));
        // A method's first parameter is its resource, which WIT does not write.
        let mut parameters = Vec::new();
        for parameter in function.params.iter().skip(usize::from(is_method)) {
            let ty = self.written(&parameter.ty)?;
            parameters.push(format!("{}: {ty}", parameter.name));
        }
        let result = match &function.result {
            Some(_) if function.is_constructor_shorthand(&self.resolve) => String::new(),
            Some(ty) => format!(" -> {}", self.written(ty)?),
            None => String::new(),
        };
        let resource = match function.kind.resource() {
            Some(id) => self.type_def(id)?.name.clone(),
            None => None,
        };
        let name = match &resource {
            Some(resource) => format!("{resource}.{}", function.item_name()),
            None => function.name.clone(),
        };
        let function = Function {
            since: since(&function.stability),
            resource,
            signature: format!("{kind}({}){result}", parameters.join(", ")),
        };
        Ok((name, function))
    }

    /// A type as WIT writes it, named ones with their owner.
    fn written(&self, ty: &Type) -> Result<String, Error> {
        let plain = match ty {
            Type::Bool => "bool",
            Type::U8 => "u8",
            Type::U16 => "u16",
            Type::U32 => "u32",
            Type::U64 => "u64",
            Type::S8 => "s8",
            Type::S16 => "s16",
            Type::S32 => "s32",
            Type::S64 => "s64",
            Type::F32 => "f32",
            Type::F64 => "f64",
            Type::Char => "char",
            Type::String => "string",
            Type::ErrorContext => "error-context",
            Type::Id(id) => {
                let definition = self.type_def(*id)?;
                return match &definition.name {
                    Some(name) => self.named(definition, name),
                    None => self.unnamed(&definition.kind),
                };
            }
        };
        Ok(plain.to_owned())
    }

    /// The name of a type with the interface that defines it, past every `use`.
    fn named(&self, definition: &TypeDef, name: &str) -> Result<String, Error> {
        if let TypeDefKind::Type(Type::Id(id)) = definition.kind {
            let target = self.type_def(id)?;
            if target.owner != definition.owner
                && let Some(name) = &target.name
            {
                return self.named(target, name);
            }
        }
        let owner = match definition.owner {
            TypeOwner::Interface(id) => self.resolve.interfaces.get(id),
            TypeOwner::World(_) | TypeOwner::None => None,
        };
        match owner.and_then(|interface| interface.name.as_ref()) {
            Some(owner) => Ok(format!("{owner}.{name}")),
            None => Err(self.not_covered(format!("type {name} belongs to a world"), "put it into an interface")),
        }
    }

    fn unnamed(&self, kind: &TypeDefKind) -> Result<String, Error> {
        let optional = |ty: &Option<Type>| match ty {
            Some(ty) => self.written(ty),
            None => Ok("_".to_owned()),
        };
        Ok(match kind {
            TypeDefKind::Type(ty) => self.written(ty)?,
            TypeDefKind::Handle(Handle::Own(id)) => self.written(&Type::Id(*id))?,
            TypeDefKind::Handle(Handle::Borrow(id)) => {
                format!("borrow<{}>", self.written(&Type::Id(*id))?)
            }
            TypeDefKind::Option(ty) => format!("option<{}>", self.written(ty)?),
            TypeDefKind::List(ty) => format!("list<{}>", self.written(ty)?),
            TypeDefKind::FixedLengthList(ty, length) => {
                format!("list<{}, {length}>", self.written(ty)?)
            }
            TypeDefKind::Map(key, value) => {
                format!("map<{}, {}>", self.written(key)?, self.written(value)?)
            }
            TypeDefKind::Result(result) => {
                let (ok, error) = (optional(&result.ok)?, optional(&result.err)?);
                format!("result<{ok}, {error}>")
            }
            TypeDefKind::Tuple(tuple) => {
                let types = tuple.types.iter().map(|ty| self.written(ty));
                format!("tuple<{}>", types.collect::<Result<Vec<_>, _>>()?.join(", "))
            }
            TypeDefKind::Future(ty) => format!("future<{}>", optional(ty)?),
            TypeDefKind::Stream(ty) => format!("stream<{}>", optional(ty)?),
            // These always have a name.
            TypeDefKind::Record(_)
            | TypeDefKind::Variant(_)
            | TypeDefKind::Enum(_)
            | TypeDefKind::Flags(_)
            | TypeDefKind::Resource
            | TypeDefKind::Unknown => {
                return Err(self.not_covered(format!("a {} has no name", kind.as_str()), "give it one"));
            }
        })
    }

    fn type_def(&self, id: TypeId) -> Result<&TypeDef, Error> {
        self.resolve.types.get(id).ok_or_else(|| Error::Invalid {
            path: self.path.to_owned(),
            reason: "a type is named but not defined".to_owned(),
        })
    }
}
