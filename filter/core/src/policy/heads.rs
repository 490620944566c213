//! Packages, imports and rule heads: the index of every rule there is.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use regorus::unstable::{Expr, Module as Syntax, Ref, Rule, RuleHead, Span};

use super::builtins;
use super::entry::PRIVATE_PACKAGE;
use super::error::PolicyError;
use super::literal;

/// Keys below `data`, or below `input`.
pub(super) type Path = Vec<String>;

/// What all definitions of one name have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `name := value`
    Complete,
    /// `name(…)` with so many arguments
    Function(usize),
    /// `name contains key`
    Set,
    /// `name[key] := value`, the key computed
    Object,
    /// `name.a.b := value` or `name["a"] := value`, every key constant
    Tree,
}

/// What an import stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Alias {
    /// Keys below `input`
    Input(Path),
    /// Keys below `data`
    Data(Path),
}

/// One parsed module.
pub(super) struct ModuleInfo {
    pub package: Path,
    pub aliases: BTreeMap<String, Alias>,
    pub syntax: Ref<Syntax>,
}

/// One rule: all definitions of one path, wherever they stand.
pub(super) struct RuleInfo {
    pub shape: Shape,
    /// Where it is defined first.
    pub span: Span,
    /// A `default` has been seen.
    pub default: bool,
    /// A definition that is not a `default` has been seen.
    pub defined: bool,
    /// The module of a function's first definition that is not a `default`.
    function_in: Option<String>,
}

/// Every rule of every module.
pub(super) struct Index {
    pub modules: Vec<ModuleInfo>,
    /// By package and name; a [`Shape::Tree`] has one entry for each of its leaves.
    pub rules: BTreeMap<Path, RuleInfo>,
    /// Package and name → shape.
    pub names: BTreeMap<Path, Shape>,
    pub packages: BTreeSet<Path>,
}

/// The head of one definition.
pub(super) struct Head {
    /// Package, name and, for a tree, the constant keys.
    pub path: Path,
    pub shape: Shape,
}

impl RuleInfo {
    /// A function must be defined in one module: regorus plans the arguments of the others wrongly.
    fn in_one_module(&mut self, span: &Span) -> Result<(), PolicyError> {
        let module = span.source.file().as_str();
        if *self.function_in.get_or_insert_with(|| module.to_owned()) == module {
            return Ok(());
        }
        Err(PolicyError::at(span, "the function is also defined in another module; keep its definitions together"))
    }
}

impl Index {
    /// Indexes the modules.
    pub(super) fn build(syntaxes: &[Ref<Syntax>]) -> Result<Self, PolicyError> {
        let mut index =
            Self { modules: Vec::new(), rules: BTreeMap::new(), names: BTreeMap::new(), packages: BTreeSet::new() };
        for syntax in syntaxes {
            let package = package_of(syntax)?;
            let aliases = aliases_of(syntax)?;
            index.packages.insert(package.clone());
            index.modules.push(ModuleInfo { package, aliases, syntax: syntax.clone() });
        }
        for syntax in syntaxes {
            index.add_rules(syntax)?;
        }
        index.check_conflicts()?;
        Ok(index)
    }

    /// The rules at and below `path`.
    pub(super) fn below<'i>(&'i self, path: &'i [String]) -> impl Iterator<Item = (&'i Path, &'i RuleInfo)> {
        self.rules
            .range::<[String], _>((Bound::Included(path), Bound::Unbounded))
            .take_while(|(rule, _)| rule.starts_with(path))
    }

    fn add_rules(&mut self, syntax: &Syntax) -> Result<(), PolicyError> {
        let package = package_of(syntax)?;
        for rule in &syntax.policy {
            let head = head_of(&package, rule)?;
            let name_length = package.len().saturating_add(1);
            let name: Path = head.path.iter().take(name_length).cloned().collect();
            self.check_name(rule.span(), name.last())?;
            self.add_shape(rule.span(), name, &head)?;
            let entry = self.rules.entry(head.path.clone()).or_insert_with(|| RuleInfo {
                shape: head.shape,
                span: rule.span().clone(),
                default: false,
                defined: false,
                function_in: None,
            });
            match rule.as_ref() {
                Rule::Default { span, .. } if entry.default => {
                    return Err(PolicyError::at(span, "the rule has a second `default`; keep one"));
                }
                Rule::Default { .. } => entry.default = true,
                Rule::Spec { span, .. } => {
                    entry.defined = true;
                    if matches!(head.shape, Shape::Function(_)) {
                        entry.in_one_module(span)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn check_name(&self, span: &Span, name: Option<&String>) -> Result<(), PolicyError> {
        let name = name.map_or("", String::as_str);
        if name == "_" || builtins::is_root(name) {
            return Err(PolicyError::at(span, format!("a rule must not be named `{name}` like a builtin; rename it")));
        }
        Ok(())
    }

    /// Every definition of a name must have the same shape: regorus looks a constant key of a
    /// partial object up without the definitions whose key is computed.
    fn add_shape(&mut self, span: &Span, name: Path, head: &Head) -> Result<(), PolicyError> {
        let first = *self.names.entry(name).or_insert(head.shape);
        match (first, head.shape) {
            (a, b) if a == b => Ok(()),
            (Shape::Function(a), Shape::Function(b)) => Err(PolicyError::at(
                span,
                format!("the function is defined with {b} arguments here and with {a} before"),
            )),
            _ => Err(PolicyError::at(
                span,
                "the name is defined in two ways (as a value, set, object, function or tree of constant keys); use two names",
            )),
        }
    }

    /// A rule above a package, or above another rule, would hide it.
    fn check_conflicts(&self) -> Result<(), PolicyError> {
        for (path, rule) in &self.rules {
            let below_package = self.packages.iter().any(|package| package.starts_with(path));
            let below_rule = self.rules.range(path.clone()..).nth(1).is_some_and(|(other, _)| other.starts_with(path));
            if below_package || below_rule {
                return Err(PolicyError::at(
                    &rule.span,
                    format!("rule data.{} lies above another rule or package; rename one", path.join(".")),
                ));
            }
        }
        self.check_aliases()
    }

    /// regorus keeps imports by package and name, not by module, and looks for a rule of the package or of a package
    /// below it first.
    fn check_aliases(&self) -> Result<(), PolicyError> {
        let mut targets: BTreeMap<Path, &Alias> = BTreeMap::new();
        for module in &self.modules {
            for (name, target) in &module.aliases {
                let mut path = module.package.clone();
                path.push(name.clone());
                let problem = if self.names.contains_key(&path) {
                    "a rule of the package"
                } else if self.packages.iter().any(|package| package.starts_with(&path)) {
                    "a package below this one"
                } else if targets.get(&path).is_some_and(|other| *other != target) {
                    "another import in another module of the package"
                } else {
                    targets.insert(path, target);
                    continue;
                };
                return Err(PolicyError::at(
                    &module.syntax.package.span,
                    format!("the import `{name}` has the name of {problem}; use `import … as`"),
                ));
            }
        }
        Ok(())
    }
}

fn package_of(syntax: &Syntax) -> Result<Path, PolicyError> {
    let span = &syntax.package.span;
    if syntax.target.is_some() {
        return Err(PolicyError::at(span, "`__target__` is not Rego; remove it"));
    }
    let path = literal::constant_path(&syntax.package.refr)
        .ok_or_else(|| PolicyError::at(span, "the package must be a path of constant keys"))?;
    if path.first().is_some_and(|first| first.starts_with(PRIVATE_PACKAGE)) {
        return Err(PolicyError::at(span, "the package name is reserved; rename the package"));
    }
    // Calls and names are looked for below the package of the caller first, so `package a.regex` would replace the
    // builtins of that name for `package a`.
    let misleading = |piece: &str| matches!(piece, "input" | "data" | "_") || builtins::is_root(piece);
    if let Some(piece) = path.iter().find(|piece| misleading(piece)) {
        return Err(PolicyError::at(span, format!("a package must not have the piece `{piece}`; rename it")));
    }
    Ok(path)
}

fn aliases_of(syntax: &Syntax) -> Result<BTreeMap<String, Alias>, PolicyError> {
    let mut aliases = BTreeMap::new();
    for import in &syntax.imports {
        let span = &import.span;
        let path = literal::constant_path(&import.refr)
            .ok_or_else(|| PolicyError::at(span, "an import must be a path of constant keys"))?;
        let (root, keys) = path.split_first().ok_or_else(|| PolicyError::at(span, "an import must name something"))?;
        let words: Vec<&str> = keys.iter().map(String::as_str).collect();
        let target = match (root.as_str(), words.as_slice()) {
            ("rego", ["v1"]) | ("future", ["keywords"] | ["keywords", "in" | "every" | "if" | "contains"]) => continue,
            ("input", [_, ..]) => Alias::Input(keys.to_vec()),
            ("data", [first, ..]) if !first.starts_with(PRIVATE_PACKAGE) => Alias::Data(keys.to_vec()),
            _ => {
                return Err(PolicyError::at(
                    span,
                    "the import is not available inline; only rego.v1, future.keywords, data.<path> and input.<path> are",
                ));
            }
        };
        let name = match &import.r#as {
            Some(name) => name.text().to_owned(),
            None => keys.last().cloned().unwrap_or_default(),
        };
        if matches!(name.as_str(), "input" | "data" | "_")
            || builtins::is_operator(&name)
            || aliases.insert(name.clone(), target).is_some()
        {
            return Err(PolicyError::at(span, format!("the import's name `{name}` is taken; use `import … as`")));
        }
    }
    Ok(aliases)
}

/// Path and shape of a definition, or why its head is refused.
pub(super) fn head_of(package: &Path, rule: &Rule) -> Result<Head, PolicyError> {
    let (keys, shape) = match rule {
        Rule::Default { span, refr, args, .. } => {
            let name = plain_name(refr).ok_or_else(|| {
                PolicyError::at(span, "`default` is only available for a plain name; default a rule of its own")
            })?;
            let shape = if args.is_empty() { Shape::Complete } else { Shape::Function(args.len()) };
            (vec![name], shape)
        }
        Rule::Spec { head: RuleHead::Func { span, refr, args, .. }, .. } => {
            let name = plain_name(refr).ok_or_else(|| {
                PolicyError::at(span, "a function must have a plain name; put it in a package of its own")
            })?;
            if args.is_empty() {
                return Err(PolicyError::at(span, "a function without arguments is a rule; drop the `()`"));
            }
            (vec![name], Shape::Function(args.len()))
        }
        Rule::Spec { head: RuleHead::Set { span, refr, key }, .. } => {
            let name = plain_name(refr).filter(|_| written_with_contains(refr, key.as_deref()));
            let name =
                name.ok_or_else(|| PolicyError::at(span, "only `name contains key` makes a set inline; write it so"))?;
            (vec![name], Shape::Set)
        }
        Rule::Spec { head: RuleHead::Compr { span, refr, .. }, .. } => complete_head(span, refr)?,
    };
    let mut path = package.clone();
    path.extend(keys);
    Ok(Head { path, shape })
}

/// `name`, `name.a["b"]` or `name[key]`.
fn complete_head(span: &Span, refr: &Ref<Expr>) -> Result<(Path, Shape), PolicyError> {
    if let Some(name) = plain_name(refr) {
        return Ok((vec![name], Shape::Complete));
    }
    if let Some(keys) = literal::constant_path(refr) {
        return Ok((keys, Shape::Tree));
    }
    if let Expr::RefBrack { refr, .. } = refr.as_ref()
        && let Some(name) = plain_name(refr)
    {
        return Ok((vec![name], Shape::Object));
    }
    Err(PolicyError::at(
        span,
        "a rule head may have constant keys, or one computed key as its last; build the inner value in a rule of its own",
    ))
}

fn plain_name(refr: &Expr) -> Option<String> {
    match refr {
        Expr::Var { span, .. } => Some(span.text().to_owned()),
        _ => None,
    }
}

/// `p["x"]` alone is parsed like `p contains "x"`, but OPA does not take it.
fn written_with_contains(refr: &Expr, key: Option<&Expr>) -> bool {
    let Some(key) = key else { return false };
    let from = usize::try_from(refr.span().end).unwrap_or(usize::MAX);
    let to = usize::try_from(key.span().start).unwrap_or(0);
    refr.span().source.contents().get(from..to).is_some_and(|between| between.trim_start().starts_with("contains"))
}
