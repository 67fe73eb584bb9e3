//! Inside a crate, modules depend on each other in one direction: none imports what imports it. `MODULES_DOT=<folder>` writes each
//! crate's graph there.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// The crates that this holds for.
const ACYCLIC: &[&str] = &[
    "crates/audio",
    "crates/backend",
    "crates/cli",
    "crates/client",
    "crates/kiosk",
    "crates/room",
    "crates/seat",
    "src-tauri",
];

type Module = Vec<String>;
type Graph = BTreeMap<Module, BTreeSet<Module>>;

/// Every path of a file that leads somewhere in its own crate, tests aside.
struct Paths<'a> {
    of: &'a Module,
    found: Vec<Module>,
}

impl Paths<'_> {
    fn note(&mut self, path: &[String]) {
        let from_root = match path.first().map(String::as_str) {
            Some("crate") => path[1..].to_vec(),
            Some("self") => self.of.iter().chain(&path[1..]).cloned().collect(),
            Some("super") => {
                let ups = path.iter().take_while(|part| *part == "super").count();
                let base = &self.of[..self.of.len().saturating_sub(ups)];
                base.iter().chain(&path[ups..]).cloned().collect()
            }
            Some(_) | None => return,
        };
        self.found.push(from_root);
    }

    fn tree(&mut self, tree: &syn::UseTree, before: &[String]) {
        let with =
            |name: &syn::Ident| -> Vec<String> { before.iter().cloned().chain([name.to_string()]).collect() };
        match tree {
            syn::UseTree::Path(path) => self.tree(&path.tree, &with(&path.ident)),
            syn::UseTree::Name(name) => self.note(&with(&name.ident)),
            syn::UseTree::Rename(name) => self.note(&with(&name.ident)),
            syn::UseTree::Glob(_) => self.note(before),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(tree, before)),
        }
    }
}

fn only_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !only_for_tests(&item.attrs) {
            self.tree(&item.tree, &[]);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if only_for_tests(&item.attrs) {
            return;
        }
        if item.content.is_none() {
            // A folder's module holds its files'.
            self.found.push(self.of.iter().cloned().chain([item.ident.to_string()]).collect());
        }
        visit::visit_item_mod(self, item);
    }

    /// `pub(super)` uses nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let path_of: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note(&path_of);
        visit::visit_path(self, path);
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Where a crate's root gives names of its modules on: `Outbox` is `store`'s.
fn given_on(root: &syn::File) -> BTreeMap<String, Module> {
    fn walk(tree: &syn::UseTree, before: &[String], into: &mut BTreeMap<String, Module>) {
        match tree {
            syn::UseTree::Path(path) => {
                let before: Vec<String> = before.iter().cloned().chain([path.ident.to_string()]).collect();
                walk(&path.tree, &before, into);
            }
            syn::UseTree::Name(name) => drop(into.insert(name.ident.to_string(), before.to_vec())),
            syn::UseTree::Rename(name) => drop(into.insert(name.rename.to_string(), before.to_vec())),
            syn::UseTree::Glob(_) => {}
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| walk(tree, before, into)),
        }
    }
    let mut given = BTreeMap::new();
    for item in &root.items {
        if let syn::Item::Use(item) = item {
            walk(&item.tree, &[], &mut given);
        }
    }
    given
}

fn graph(source: &Path) -> Graph {
    let mut all = Vec::new();
    files(source, &mut all);
    let module = |path: &Path| -> Module {
        let path = path.strip_prefix(source).unwrap().with_extension("");
        path.iter().map(|part| part.to_string_lossy().into_owned()).filter(|part| part != "mod").collect()
    };
    let modules: BTreeSet<Module> = all.iter().map(|path| module(path)).collect();
    let root = ["lib.rs", "main.rs"].map(|name| source.join(name)).into_iter().find(|path| path.exists());
    let root = std::fs::read_to_string(root.expect("a crate has a root")).unwrap();
    let given = given_on(&syn::parse_file(&root).unwrap());
    let mut graph = Graph::new();
    for path in &all {
        let of = module(path);
        // The root holds all, and a program is nobody's.
        if of == ["lib"] || of == ["main"] {
            continue;
        }
        let file = syn::parse_file(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut paths = Paths { of: &of, found: Vec::new() };
        paths.visit_file(&file);
        let depends = paths.found.into_iter().filter_map(|mut to| {
            if let Some(given) = to.first().and_then(|first| given.get(first)) {
                to.clone_from(given);
            }
            while !to.is_empty() && !modules.contains(&to) {
                to.pop();
            }
            (!to.is_empty() && to != of).then_some(to)
        });
        let depends = depends.collect();
        graph.insert(of, depends);
    }
    graph
}

/// A way from a module back to it, if there is one.
fn cycle(graph: &Graph) -> Option<Vec<String>> {
    fn back<'a>(
        graph: &'a Graph,
        at: &'a Module,
        to: &Module,
        seen: &mut BTreeSet<&'a Module>,
    ) -> Option<Vec<String>> {
        for next in graph.get(at)? {
            if next == to {
                return Some(vec![at.join("::"), to.join("::")]);
            }
            if seen.insert(next)
                && let Some(mut way) = back(graph, next, to, seen)
            {
                way.insert(0, at.join("::"));
                return Some(way);
            }
        }
        None
    }
    graph.keys().find_map(|of| back(graph, of, of, &mut BTreeSet::new()))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn no_module_imports_its_own_caller() {
    let mut cycles = Vec::new();
    for name in ACYCLIC {
        let graph = graph(&root().join(name).join("src"));
        assert!(graph.values().any(|depends| !depends.is_empty()), "{name}: nothing was found");
        if let Ok(folder) = std::env::var("MODULES_DOT") {
            let name = name.trim_start_matches("crates/").replace('-', "_");
            let mut dot = format!("digraph {name} {{\n");
            for (of, depends) in &graph {
                for to in depends {
                    dot.push_str(&format!("  \"{}\" -> \"{}\";\n", of.join("::"), to.join("::")));
                }
            }
            dot.push_str("}\n");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(Path::new(&folder).join(format!("{name}.dot")), dot).unwrap();
        }
        cycles.extend(cycle(&graph).map(|found| format!("{name}: {}", found.join(" → "))));
    }
    assert!(cycles.is_empty(), "{cycles:#?}");
}

#[test]
fn a_cycle_is_found_wherever_it_is() {
    let folder = std::env::temp_dir().join(format!("modules-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("a")).unwrap();
    for (file, text) in [
        ("lib.rs", "mod a; mod b; mod c; pub use b::Thing;"),
        ("a.rs", "mod inner; fn f() { inner::g() }"),
        ("a/inner.rs", "use crate::c::{self, C};"),
        ("b.rs", "pub struct Thing; #[cfg(test)] mod tests { use crate::c::C; }"),
        ("c.rs", "use crate::Thing;"),
    ] {
        std::fs::write(folder.join(file), text).unwrap();
    }
    assert_eq!(cycle(&graph(&folder)), None);
    // Through the name that the root gives on, and through a path in the code.
    std::fs::write(folder.join("b.rs"), "pub struct Thing; fn f() { crate::a::f() }").unwrap();
    let found = cycle(&graph(&folder)).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    assert_eq!(found, ["a", "a::inner", "c", "b", "a"]);
}
