//! Packages, imports and rule heads: the index of everything that can be referred to.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Module as Syntax, Ref, Rule, RuleBody, RuleHead, Span};

use super::builtins;
use super::core::UnitId;
use super::error::PolicyError;
use super::literal;

/// Keys below `data`, or below `input`.
pub(super) type Path = Vec<String>;

/// What all definitions of one rule have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `name := value`
    Complete,
    /// `name(…)` with so many arguments
    Function(usize),
    /// `name contains key`
    Set,
    /// `name[key] := value`, `name[key].more contains value`: an object that its definitions build together.
    Object,
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

/// The head of one definition, taken apart.
pub(super) struct Head<'s> {
    /// Package, name and constant keys.
    pub ground: Path,
    /// The keys behind, from the first that is computed.
    pub rest: Vec<Key>,
    pub args: &'s [Ref<Expr>],
    pub leaf: Leaf<'s>,
}

/// One key of a rule's head.
#[derive(Clone)]
pub(super) enum Key {
    Text(String),
    Computed(Ref<Expr>),
}

/// What a definition puts at its path.
#[derive(Clone)]
pub(super) enum Leaf<'s> {
    /// A value; `true` if there is none.
    Value(Option<&'s Ref<Expr>>),
    /// A member of a set.
    Member(Key),
    /// The value where no other definition has one.
    Default(&'s Ref<Expr>),
}

/// One definition.
pub(super) struct Definition {
    pub module: usize,
    pub rule: Ref<Rule>,
}

/// All definitions of one rule.
pub(super) struct Group {
    pub path: Path,
    pub shape: Shape,
    /// Where it is defined first.
    pub span: Span,
    pub definitions: Vec<Definition>,
}

/// Every rule of every module. A group's place is its [`UnitId`].
pub(super) struct Index {
    pub modules: Vec<ModuleInfo>,
    pub groups: Vec<Group>,
    pub by_path: BTreeMap<Path, UnitId>,
    /// Package and first key of every rule.
    names: BTreeSet<Path>,
    pub packages: BTreeSet<Path>,
    /// A `with` may replace data, as far as the texts tell.
    pub replaces: bool,
}

const TWO_WAYS: &str = "the name is defined in two ways (as a value, set, object or function); use two names";

impl Index {
    /// Indexes the modules.
    pub(super) fn build(syntaxes: &[Ref<Syntax>]) -> Result<Self, PolicyError> {
        let mut index = Self {
            modules: Vec::new(),
            groups: Vec::new(),
            by_path: BTreeMap::new(),
            names: BTreeSet::new(),
            packages: BTreeSet::new(),
            replaces: false,
        };
        for syntax in syntaxes {
            let package = package_of(syntax)?;
            let aliases = aliases_of(syntax)?;
            let text = syntax.package.span.source.contents();
            let imported = aliases.values().any(|alias| matches!(alias, Alias::Data(_)));
            index.replaces |= may_replace(text, imported);
            index.packages.insert(package.clone());
            index.modules.push(ModuleInfo { package, aliases, syntax: syntax.clone() });
        }
        let objects = index.objects()?;
        for module in 0..index.modules.len() {
            index.add_rules(module, &objects)?;
        }
        index.check_conflicts()?;
        Ok(index)
    }

    /// Where a computed key begins; everything below such a path is one object.
    fn objects(&self) -> Result<BTreeSet<Path>, PolicyError> {
        let mut objects = BTreeSet::new();
        for module in &self.modules {
            for rule in &module.syntax.policy {
                let head = head_of(module, rule)?;
                if !head.rest.is_empty() {
                    objects.insert(head.ground);
                }
            }
        }
        Ok(objects)
    }

    fn add_rules(&mut self, module: usize, objects: &BTreeSet<Path>) -> Result<(), PolicyError> {
        let Some(info) = self.modules.get(module) else { return Ok(()) };
        let syntax = info.syntax.clone();
        for rule in &syntax.policy {
            let Some(info) = self.modules.get(module) else { return Ok(()) };
            let head = head_of(info, rule)?;
            let name = head.ground.iter().take(info.package.len().saturating_add(1)).cloned().collect();
            let root = (1..=head.ground.len()).find_map(|length| objects.get(head.ground.get(..length)?));
            if root.is_some_and(|root| *root == head.ground) && head.rest.is_empty() {
                return Err(PolicyError::at(rule.span(), TWO_WAYS));
            }
            let shape = match (root, &head.leaf) {
                (Some(_), Leaf::Default(_)) => {
                    return Err(PolicyError::at(
                        rule.span(),
                        "`default` is not available for a rule with computed keys",
                    ));
                }
                (Some(_), _) if !head.args.is_empty() => {
                    return Err(PolicyError::at(
                        rule.span(),
                        "a function must not stand below a rule with computed keys",
                    ));
                }
                (Some(_), _) => Shape::Object,
                (None, _) if !head.args.is_empty() => Shape::Function(head.args.len()),
                (None, Leaf::Member(_)) => Shape::Set,
                (None, Leaf::Value(_) | Leaf::Default(_)) => Shape::Complete,
            };
            let path = root.unwrap_or(&head.ground).clone();
            self.names.insert(name);
            self.add(module, rule, path, shape)?;
        }
        Ok(())
    }

    fn add(&mut self, module: usize, rule: &Ref<Rule>, path: Path, shape: Shape) -> Result<(), PolicyError> {
        let definition = Definition { module, rule: rule.clone() };
        let id = *self.by_path.entry(path.clone()).or_insert(self.groups.len());
        let Some(group) = self.groups.get_mut(id) else {
            let group = Group { path, shape, span: rule.span().clone(), definitions: vec![definition] };
            self.groups.push(group);
            return Ok(());
        };
        match (group.shape, shape) {
            (a, b) if a == b => {
                group.definitions.push(definition);
                Ok(())
            }
            (Shape::Function(a), Shape::Function(b)) => Err(PolicyError::at(
                rule.span(),
                format!("the function is defined with {b} arguments here and with {a} before"),
            )),
            _ => Err(PolicyError::at(rule.span(), TWO_WAYS)),
        }
    }

    /// OPA refuses a rule above a package or above another rule.
    fn check_conflicts(&self) -> Result<(), PolicyError> {
        for (path, id) in &self.by_path {
            let Some(group) = self.groups.get(*id) else { continue };
            let below_package = self.packages.iter().any(|package| package.starts_with(path));
            let next = self.by_path.range::<Path, _>(path.clone()..).nth(1);
            if below_package || next.is_some_and(|(other, _)| other.starts_with(path)) {
                return Err(PolicyError::at(
                    &group.span,
                    format!("rule data.{} lies above another rule or package; rename one", path.join(".")),
                ));
            }
        }
        Ok(())
    }

    /// `name` is a rule of the package.
    pub(super) fn is_rule(&self, package: &Path, name: &str) -> bool {
        let mut path = package.clone();
        path.push(name.to_owned());
        self.names.contains(&path)
    }

    /// A rule or package stands below `path`.
    pub(super) fn has_below(&self, path: &[String]) -> bool {
        let rule = self.by_path.range::<[String], _>((std::ops::Bound::Included(path), std::ops::Bound::Unbounded));
        let mut package =
            self.packages.range::<[String], _>((std::ops::Bound::Included(path), std::ops::Bound::Unbounded));
        rule.map(|(rule, _)| rule).next().is_some_and(|rule| rule.starts_with(path))
            || package.next().is_some_and(|package| package.starts_with(path))
    }

    /// The keys of the rules and packages directly below `path`.
    pub(super) fn children(&self, path: &[String]) -> BTreeSet<String> {
        let from = (std::ops::Bound::Included(path), std::ops::Bound::Unbounded);
        let rules = self.by_path.range::<[String], _>(from).map(|(rule, _)| rule);
        let packages = self.packages.range::<[String], _>(from);
        // What has a common beginning stands together.
        let below = rules.take_while(|rule| rule.starts_with(path));
        let below = below.chain(packages.take_while(|package| package.starts_with(path)));
        below.filter_map(|other| other.get(path.len()).cloned()).collect()
    }
}

/// A `with` in the text may replace data, also by an imported name, or behind a comment.
fn may_replace(text: &str, imported: bool) -> bool {
    text.split("with").skip(1).any(|behind| imported || behind.trim_start().starts_with(['#', 'd']))
}

fn package_of(syntax: &Syntax) -> Result<Path, PolicyError> {
    let span = &syntax.package.span;
    if syntax.target.is_some() {
        return Err(PolicyError::at(span, "`__target__` is not Rego; remove it"));
    }
    literal::constant_path(&syntax.package.refr)
        .ok_or_else(|| PolicyError::at(span, "the package must be a path of constant keys"))
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
            ("input", _) => Alias::Input(keys.to_vec()),
            ("data", _) => Alias::Data(keys.to_vec()),
            _ => {
                return Err(PolicyError::at(
                    span,
                    "the import is not available inline; only rego.v1, future.keywords, data.<path> and input.<path> are",
                ));
            }
        };
        let name = match &import.r#as {
            Some(name) => name.text().to_owned(),
            None => path.last().cloned().unwrap_or_default(),
        };
        if matches!(name.as_str(), "_" | "data")
            || name == "input" && !matches!(&target, Alias::Input(keys) if keys.is_empty())
            || builtins::is_operator(&name)
            || aliases.insert(name.clone(), target).is_some()
        {
            return Err(PolicyError::at(span, format!("the import's name `{name}` is taken; use `import … as`")));
        }
    }
    Ok(aliases)
}

/// Takes a definition's head apart, or says why it is refused.
pub(super) fn head_of<'s>(module: &ModuleInfo, rule: &'s Rule) -> Result<Head<'s>, PolicyError> {
    let none: &[Ref<Expr>] = &[];
    let (refr, args, leaf) = match rule {
        Rule::Default { value, .. } if !literal::is_default(value) => {
            return Err(PolicyError::at(value.span(), "a default must be a constant or a comprehension"));
        }
        Rule::Default { refr, args, value, .. } => (refr, args.as_slice(), Leaf::Default(value)),
        Rule::Spec { head: RuleHead::Func { span, refr, args, assign }, .. } => {
            if args.is_empty() {
                return Err(PolicyError::at(span, "a function without arguments is a rule; drop the `()`"));
            }
            (refr, args.as_slice(), Leaf::Value(assign.as_ref().map(|assign| &assign.value)))
        }
        Rule::Spec { head: RuleHead::Set { span, refr, key }, .. } => {
            let (refr, key) = member_of(module, span, refr, key.as_ref())?;
            (refr, none, Leaf::Member(key))
        }
        Rule::Spec { head: RuleHead::Compr { refr, assign, .. }, .. } => {
            (refr, none, Leaf::Value(assign.as_ref().map(|assign| &assign.value)))
        }
    };
    let (ground, rest) = keys_of(module, refr)?;
    Ok(Head { ground, rest, args, leaf })
}

/// `p contains x`, or `p[x]` and `p.x` as v0 has them: the set and its member.
fn member_of<'s>(
    module: &ModuleInfo,
    span: &Span,
    refr: &'s Ref<Expr>,
    key: Option<&Ref<Expr>>,
) -> Result<(&'s Ref<Expr>, Key), PolicyError> {
    match (key, refr.as_ref()) {
        (Some(key), _) if written_with_contains(refr, key) || !module.syntax.rego_v1 => {
            Ok((refr, Key::Computed(key.clone())))
        }
        (None, Expr::RefDot { refr, field, .. }) if !module.syntax.rego_v1 => {
            Ok((refr, Key::Text(field.0.text().to_owned())))
        }
        _ => Err(PolicyError::at(span, "write `name contains key` for a set")),
    }
}

/// `name.a["b"][key].c` → package, `name`, `a`, `b`; `key`, `c`.
fn keys_of(module: &ModuleInfo, refr: &Ref<Expr>) -> Result<(Path, Vec<Key>), PolicyError> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    let mut base = refr;
    let name = loop {
        match base.as_ref() {
            Expr::Var { span, .. } => break span,
            Expr::RefDot { refr, field, .. } => {
                steps.push(Step::Dot(field.0.text()));
                base = refr;
            }
            Expr::RefBrack { refr, index, .. } => {
                steps.push(Step::Bracket(index));
                base = refr;
            }
            other => return Err(PolicyError::at(other.span(), "a rule's name must be a word with keys behind it")),
        }
    };
    if matches!(name.text(), "input" | "data" | "_") || builtins::is_operator(name.text()) {
        return Err(PolicyError::at(name, format!("a rule must not be named `{}`; rename it", name.text())));
    }
    let mut path = module.package.clone();
    path.push(name.text().to_owned());
    let mut rest = Vec::new();
    for step in steps.into_iter().rev() {
        match step {
            Step::Dot(key) if rest.is_empty() => path.push(key.to_owned()),
            Step::Bracket(index) if rest.is_empty() && literal::string(index).is_some() => {
                path.extend(literal::string(index));
            }
            Step::Bracket(index) => rest.push(Key::Computed(index.clone())),
            Step::Dot(key) => rest.push(Key::Text(key.to_owned())),
        }
    }
    Ok((path, rest))
}

enum Step<'e> {
    Dot(&'e str),
    Bracket(&'e Ref<Expr>),
}

/// `p["x"]` alone is parsed like `p contains "x"`, but OPA's v1 does not take it.
fn written_with_contains(refr: &Expr, key: &Expr) -> bool {
    let from = usize::try_from(refr.span().end).unwrap_or(usize::MAX);
    let to = usize::try_from(key.span().start).unwrap_or(0);
    refr.span().source.contents().get(from..to).is_some_and(|between| {
        // The span of `p[x]` ends before its bracket.
        between.trim_start_matches([']', ' ', '\t', '\r', '\n']).starts_with("contains")
    })
}

/// The bodies of a definition that stand beside each other, each with the `else` bodies behind it.
pub(super) fn chains(rule: &Rule) -> Vec<Vec<&RuleBody>> {
    let Rule::Spec { bodies, .. } = rule else { return Vec::new() };
    let mut chains: Vec<Vec<&RuleBody>> = Vec::new();
    for body in bodies {
        match chains.last_mut() {
            Some(chain) if body.is_else => chain.push(body),
            _ => chains.push(vec![body]),
        }
    }
    chains
}
