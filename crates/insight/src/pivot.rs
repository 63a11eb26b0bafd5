//! A client's statistics by channel, account, campaign, group, ad, time and split, as a tree.
//!
//! Every node takes its sums from one level: the deepest one that its path names, or the connection's totals. Levels describe the same
//! money and are never added up; what the nodes below do not explain stands beside them as "not split", so that the parts of a node are
//! together exactly the node. Splits overlap: they stand under their node and are no parts of it. A metric that a node does not know is
//! not made up from below.

use crate::metric::Sums;
use chrono::NaiveDate;
use model::{
    ad::Level,
    connection::Connection,
    date::{DateRange, Grain},
    id::{ClientId, ConnectionId},
    money::{Currency, Micros},
    settings::InTotals,
    vat,
};
use std::collections::{HashMap, HashSet};
use store::{
    Result, Store,
    ad_objects::Landing,
    stat_cells::{Cell, CellsAsked, ConnectionCells, LayerAsked},
};

/// The longest table; a longer one loses its deepest dimension.
pub const MOST_NODES: usize = 100_000;

/// The most dimensions of one pivot.
pub const MOST_DIMENSIONS: usize = 4;

/// What the rows of a table are told apart by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// The system.
    Channel,
    /// The connection.
    Account,
    /// An ad object of a level below the account.
    Object(Level),
    /// Time.
    Time(Grain),
    /// A split, by the name of its kind.
    Breakdown(String),
}

impl Dimension {
    fn level(&self) -> Option<Level> {
        if let Self::Object(level) = self { Some(*level) } else { None }
    }
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A system; its label is the connector's id.
    Channel,
    /// A connection.
    Account,
    /// An ad object.
    Object(Level),
    /// A piece of time.
    Time(Grain),
    /// A split; overlaps with its siblings and is no part of its parent.
    Breakdown,
    /// What the level below does not explain.
    NotSplit,
    /// The connections that do not count toward the totals. Each stands by itself: they may count the same visit.
    Apart,
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// How deep, from 0.
    pub depth: usize,
    /// The place of its parent in the list.
    pub parent: Option<usize>,
    /// Which of its siblings it is, the same in every reading.
    pub key: String,
    /// What it is.
    pub kind: Kind,
    /// Its name; empty where the kind says it all.
    pub label: String,
    /// Names of what stands above it and is no dimension of the table, from the top.
    pub above: Vec<String>,
    /// The connector of what belongs to one.
    pub connector: Option<String>,
    /// The vendor's id.
    pub external_id: Option<String>,
    /// Where an ad leads.
    pub landing: Landing,
    /// The days of a piece of time, within the period.
    pub days: Option<DateRange>,
    /// Whether some of its days may still change.
    pub moving: bool,
    /// Its sums.
    pub sums: Sums,
}

/// The table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pivot {
    /// Sums of everything that counts.
    pub total: Sums,
    /// Its dimensions: those that were asked for, fewer when the table would have been too long.
    pub dimensions: Vec<Dimension>,
    /// Its rows: each parent stands before its children, siblings by time or by spend.
    pub nodes: Vec<Node>,
}

/// Whether these dimensions make a table: one to four, none twice, one split at most.
pub fn makes_sense(dimensions: &[Dimension]) -> bool {
    let distinct: HashSet<_> = dimensions.iter().collect();
    let splits: Vec<_> = dimensions
        .iter()
        .filter_map(|it| if let Dimension::Breakdown(kind) = it { Some(kind) } else { None })
        .collect();
    (1..=MOST_DIMENSIONS).contains(&dimensions.len())
        && distinct.len() == dimensions.len()
        && splits.len() <= 1
        && splits.iter().all(|kind| !kind.is_empty() && !kind.contains('='))
        && !dimensions.contains(&Dimension::Object(Level::Account))
}

/// Reads a client's period and makes the table.
pub async fn of_client(
    store: &Store,
    connections: &[Connection],
    client: ClientId,
    currency: Currency,
    range: DateRange,
    dimensions: &[Dimension],
) -> Result<Pivot> {
    let pieces = pieces(range, currency, dimensions);
    let layers = layers(dimensions);
    let asked = CellsAsked { client, currency, range, pieces: pieces.clone(), layers: layers.clone() };
    let read = store.stat_cells(&asked).await?;
    Ok(table(
        &Material { connections, read: &read, layers: &layers, pieces: &pieces, range, currency },
        dimensions,
        MOST_NODES,
    ))
}

/// What a table is made of.
#[derive(Debug, Clone, Copy)]
pub struct Material<'a> {
    /// The client's connections.
    pub connections: &'a [Connection],
    /// What was read of those with rows.
    pub read: &'a [ConnectionCells],
    /// The layers of each.
    pub layers: &'a [LayerAsked],
    /// The pieces of time of the cells.
    pub pieces: &'a [DateRange],
    /// The period.
    pub range: DateRange,
    /// The currency of the sums.
    pub currency: Currency,
}

/// The pieces of time from which those of all dimensions can be put together: weeks and months have only days in common. None of them
/// reaches over a day on which the rate of VAT changes.
pub fn pieces(range: DateRange, currency: Currency, dimensions: &[Dimension]) -> Vec<DateRange> {
    let mut grains =
        dimensions.iter().filter_map(|it| if let Dimension::Time(grain) = it { Some(*grain) } else { None });
    let pieces = match (grains.next(), grains.next()) {
        (None, _) => vec![range],
        (Some(grain), None) => range.pieces(grain),
        (Some(_), Some(_)) => range.pieces(Grain::Day),
    };
    pieces.into_iter().flat_map(|piece| vat::windows(piece, currency)).collect()
}

/// The layers that a table of these dimensions is made of; the first is always the connections' totals.
pub fn layers(dimensions: &[Dimension]) -> Vec<LayerAsked> {
    let mut layers = vec![LayerAsked { level: None, kind: None }];
    for depth in 0..dimensions.len() {
        let layer = layer(&dimensions[..=depth]);
        if !layers.contains(&layer) {
            layers.push(layer);
        }
    }
    layers
}

/// The layer from which nodes with this path take their sums.
fn layer(path: &[Dimension]) -> LayerAsked {
    LayerAsked {
        level: path.iter().filter_map(Dimension::level).max(),
        kind: path.iter().find_map(|it| if let Dimension::Breakdown(kind) = it { Some(kind.clone()) } else { None }),
    }
}

/// Makes the table, of at most `most` rows.
pub fn table(material: &Material<'_>, dimensions: &[Dimension], most: usize) -> Pivot {
    let mut dimensions = dimensions.to_vec();
    loop {
        let pivot = whole(material, &dimensions, most);
        if pivot.nodes.len() <= most || dimensions.len() == 1 {
            return pivot;
        }
        dimensions.pop();
    }
}

fn whole(material: &Material<'_>, dimensions: &[Dimension], most: usize) -> Pivot {
    let by_id: HashMap<ConnectionId, &Connection> = material.connections.iter().map(|it| (it.id, it)).collect();
    let sides = |side: InTotals| -> Vec<One<'_>> {
        let of_side = material.read.iter().filter_map(|cells| {
            let connection = *by_id.get(&cells.connection_id)?;
            (connection.settings.in_totals == side).then_some(One { connection, cells })
        });
        of_side.collect()
    };
    let counted = Tree::grow(material, sides(InTotals::Counts), dimensions);
    let mut nodes = Vec::new();
    counted.flatten(0, None, most, &mut nodes);
    let apart = sides(InTotals::Apart);
    if !apart.is_empty() {
        let group = nodes.len();
        nodes.push(Node { kind: Kind::Apart, key: "apart".to_owned(), ..blank(0, None) });
        let rest: Vec<_> =
            dimensions.iter().filter(|it| !matches!(it, Dimension::Channel | Dimension::Account)).cloned().collect();
        for one in apart {
            let tree = Tree::grow(material, vec![one], &rest);
            let at = nodes.len();
            let root = &tree.branches[0];
            nodes.push(Node {
                key: one.connection.id.to_string(),
                kind: Kind::Account,
                label: one.connection.account_name.clone(),
                connector: Some(one.connection.connector.clone()),
                external_id: Some(one.connection.account_external_id.clone()),
                moving: root.moving,
                sums: root.sums,
                ..blank(1, Some(group))
            });
            tree.flatten(2, Some(at), most, &mut nodes);
        }
    }
    Pivot { total: counted.branches[0].sums, dimensions: dimensions.to_vec(), nodes }
}

fn blank(depth: usize, parent: Option<usize>) -> Node {
    Node {
        depth,
        parent,
        key: String::new(),
        kind: Kind::NotSplit,
        label: String::new(),
        above: Vec::new(),
        connector: None,
        external_id: None,
        landing: Landing::default(),
        days: None,
        moving: false,
        sums: Sums::default(),
    }
}

/// A connection with its cells.
#[derive(Clone, Copy)]
struct One<'a> {
    connection: &'a Connection,
    cells: &'a ConnectionCells,
}

impl One<'_> {
    /// The object of a level that this one is, or that stands above it.
    fn at(&self, object: i64, level: Level) -> Option<i64> {
        let mut at = Some(object);
        while let Some(num) = at {
            let object = self.cells.objects.get(&num)?;
            if object.level <= level {
                return (object.level == level).then_some(num);
            }
            at = object.parent;
        }
        None
    }
}

/// A step of a path, small enough to be a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step<'a> {
    Channel(&'a str),
    Account(usize),
    Object(usize, i64),
    Time(NaiveDate),
    Breakdown(&'a str),
    /// An object that is not known: what stands here is not split by it.
    NotSplit,
}

struct Branch<'a> {
    step: Step<'a>,
    depth: usize,
    children: Vec<usize>,
    moving: bool,
    sums: Sums,
}

struct Tree<'a> {
    material: &'a Material<'a>,
    of: Vec<One<'a>>,
    dimensions: Vec<Dimension>,
    /// The root is the first, and each parent stands before its children.
    branches: Vec<Branch<'a>>,
    places: HashMap<(usize, Step<'a>), usize>,
}

impl<'a> Tree<'a> {
    fn grow(material: &'a Material<'a>, of: Vec<One<'a>>, dimensions: &[Dimension]) -> Self {
        let root =
            Branch { step: Step::NotSplit, depth: 0, children: Vec::new(), moving: false, sums: Sums::default() };
        let mut tree =
            Self { material, of, dimensions: dimensions.to_vec(), branches: vec![root], places: HashMap::new() };
        for depth in 0..=dimensions.len() {
            tree.read(depth);
        }
        tree.set_rests();
        tree
    }

    /// Which layer paths of this length take their sums from.
    fn layer_of(&self, depth: usize) -> Option<usize> {
        let wanted = layer(&self.dimensions[..depth]);
        self.material.layers.iter().position(|layer| *layer == wanted)
    }

    /// Puts the cells of the nodes of a depth into their places.
    fn read(&mut self, depth: usize) {
        let layers: Vec<Option<usize>> = (0..=depth).map(|depth| self.layer_of(depth)).collect();
        for place in 0..self.of.len() {
            let one = self.of[place];
            let levels: Vec<Option<Level>> = layers
                .iter()
                .map(|layer| layer.and_then(|at| one.cells.layers[at].as_ref()).map(|layer| layer.level))
                .collect();
            let Some(layer) = layers[depth].and_then(|at| one.cells.layers[at].as_ref()) else { continue };
            for cell in &*layer.cells {
                self.put(place, cell, depth, &levels);
            }
        }
    }

    fn put(&mut self, place: usize, cell: &'a Cell, depth: usize, levels: &[Option<Level>]) {
        let mut at = 0;
        for length in 1..=depth {
            let Some(step) = self.step(place, cell, length) else { return };
            // Nothing says whose part it is. Where the nodes above are of this very level, it is left over there as well; otherwise they
            // are of another level, and what they do not explain has it already.
            if step == Step::NotSplit && levels[length] != levels[depth] {
                return;
            }
            at = self.child(at, step);
        }
        let moving = self.of[place].cells.moving_from.is_some_and(|from| from <= cell.last);
        let sums = Sums::counted(cell.sums, self.material.currency, cell.vat, cell.last);
        let branch = &mut self.branches[at];
        branch.moving |= moving;
        branch.sums = branch.sums + sums;
    }

    /// The last step of a path of this length.
    fn step(&self, place: usize, cell: &'a Cell, length: usize) -> Option<Step<'a>> {
        let one = self.of[place];
        Some(match &self.dimensions[length - 1] {
            Dimension::Channel => Step::Channel(&one.connection.connector),
            Dimension::Account => Step::Account(place),
            Dimension::Object(level) => cell
                .object
                .and_then(|object| one.at(object, *level))
                .map_or(Step::NotSplit, |num| Step::Object(place, num)),
            Dimension::Time(grain) => Step::Time(grain.first_day(self.material.pieces.get(cell.piece)?.from())),
            Dimension::Breakdown(_) => Step::Breakdown(&cell.breakdown),
        })
    }

    fn child(&mut self, parent: usize, step: Step<'a>) -> usize {
        let next = self.branches.len();
        let place = *self.places.entry((parent, step)).or_insert(next);
        if place == next {
            let depth = self.branches[parent].depth + 1;
            self.branches.push(Branch { step, depth, children: Vec::new(), moving: false, sums: Sums::default() });
            self.branches[parent].children.push(place);
        }
        place
    }

    /// Makes the parts of each node be together exactly the node.
    fn set_rests(&mut self) {
        // A parent stands before its children, so what is left over of one is there when its own parts are looked at.
        let mut at = 0;
        while at < self.branches.len() {
            let Branch { depth, moving, sums, .. } = self.branches[at];
            let parts = self.dimensions.get(depth).is_some_and(|next| !matches!(next, Dimension::Breakdown(_)));
            if parts && !self.branches[at].children.is_empty() {
                let told = self.branches[at].children.iter().map(|child| self.branches[*child].sums).sum();
                if let Some(rest) = rest(sums, told) {
                    let child = self.child(at, Step::NotSplit);
                    let branch = &mut self.branches[child];
                    branch.sums = branch.sums + rest;
                    branch.moving |= moving;
                }
            }
            at += 1;
        }
    }

    /// Writes everything below the root, parents first.
    fn flatten(&self, depth: usize, parent: Option<usize>, most: usize, nodes: &mut Vec<Node>) {
        self.write(0, depth, parent, most, nodes);
    }

    fn write(&self, branch: usize, depth: usize, parent: Option<usize>, most: usize, nodes: &mut Vec<Node>) {
        let mut children = self.branches[branch].children.clone();
        children.sort_by_cached_key(|child| self.order(*child));
        // One list that is too long by itself is cut, and the rest of it is one row.
        let shown = if children.len() > most { most - 1 } else { children.len() };
        let (shown, cut) = children.split_at(shown);
        for child in shown {
            let at = nodes.len();
            nodes.push(self.node(*child, depth, parent));
            self.write(*child, depth + 1, Some(at), most, nodes);
        }
        if !cut.is_empty() {
            let branches = || cut.iter().map(|child| &self.branches[*child]);
            nodes.push(Node {
                key: "rest".to_owned(),
                moving: branches().any(|branch| branch.moving),
                sums: branches().map(|branch| branch.sums).sum(),
                ..blank(depth, parent)
            });
        }
    }

    /// By time; else the largest spend first, what has none by results and name; what is not split last.
    fn order(&self, branch: usize) -> (bool, NaiveDate, std::cmp::Reverse<[Option<i64>; 3]>, String) {
        let Branch { step, sums, .. } = &self.branches[branch];
        let date = if let Step::Time(date) = step { *date } else { NaiveDate::MIN };
        let sizes = if matches!(step, Step::Time(_)) {
            [None; 3]
        } else {
            [sums.spend.map(|it| it.0), sums.conversions.map(|it| it.0), sums.visits]
        };
        (*step == Step::NotSplit, date, std::cmp::Reverse(sizes), self.key(step))
    }

    fn key(&self, step: &Step<'a>) -> String {
        match step {
            Step::Channel(connector) => (*connector).to_owned(),
            Step::Account(place) => self.of[*place].connection.id.to_string(),
            Step::Object(place, num) => {
                let one = self.of[*place];
                let external_id = one.cells.objects.get(num).map_or("", |object| object.external_id.as_str());
                format!("{}:{external_id}", one.connection.id)
            }
            Step::Time(date) => date.to_string(),
            Step::Breakdown(value) => (*value).to_owned(),
            Step::NotSplit => "rest".to_owned(),
        }
    }

    fn node(&self, branch: usize, depth: usize, parent: Option<usize>) -> Node {
        let Branch { step, moving, sums, depth: length, .. } = &self.branches[branch];
        let node = Node { key: self.key(step), moving: *moving, sums: *sums, ..blank(depth, parent) };
        let dimension = length.checked_sub(1).and_then(|at| self.dimensions.get(at));
        match (step, dimension) {
            (Step::Channel(connector), _) => Node {
                kind: Kind::Channel,
                label: (*connector).to_owned(),
                connector: Some((*connector).to_owned()),
                ..node
            },
            (Step::Account(place), _) => {
                let connection = self.of[*place].connection;
                Node {
                    kind: Kind::Account,
                    label: connection.account_name.clone(),
                    connector: Some(connection.connector.clone()),
                    external_id: Some(connection.account_external_id.clone()),
                    ..node
                }
            }
            (Step::Object(place, num), Some(Dimension::Object(level))) => {
                let one = self.of[*place];
                let name = |num: i64| {
                    let object = one.cells.objects.get(&num);
                    object.map_or_else(String::new, |it| it.name.clone().unwrap_or_else(|| it.external_id.clone()))
                };
                let shown: Vec<_> = self.dimensions[..*length].iter().filter_map(Dimension::level).collect();
                let above = [Level::Campaign, Level::AdGroup].into_iter();
                let above = above.filter(|it| it < level && !shown.contains(it));
                Node {
                    kind: Kind::Object(*level),
                    label: name(*num),
                    above: above.filter_map(|level| one.at(*num, level)).map(name).collect(),
                    connector: Some(one.connection.connector.clone()),
                    external_id: one.cells.objects.get(num).map(|object| object.external_id.clone()),
                    landing: one.cells.objects.get(num).map(|object| object.landing.clone()).unwrap_or_default(),
                    ..node
                }
            }
            (Step::Time(date), Some(Dimension::Time(grain))) => {
                let days = grain.piece(*date).intersection(&self.material.range);
                Node { kind: Kind::Time(*grain), label: date.to_string(), days, ..node }
            }
            (Step::Breakdown(value), _) => {
                let label = value.split_once('=').map_or(*value, |(_, value)| value);
                Node { kind: Kind::Breakdown, label: label.to_owned(), ..node }
            }
            _ => node,
        }
    }
}

/// What is left of a node when its parts are taken away; `None` when they explain it. What the node does not know has no rest, and a
/// difference may be negative: platforms' levels do not always agree, and then it is said.
fn rest(node: Sums, parts: Sums) -> Option<Sums> {
    let count = |node: Option<i64>, parts: Option<i64>| node.map(|node| node - parts.unwrap_or(0));
    let micros = |node: Option<Micros>, parts: Option<Micros>| node.map(|node| node - parts.unwrap_or(Micros::ZERO));
    let rest = Sums {
        impressions: count(node.impressions, parts.impressions),
        clicks: count(node.clicks, parts.clicks),
        spend: micros(node.spend, parts.spend),
        conversions: micros(node.conversions, parts.conversions),
        revenue: micros(node.revenue, parts.revenue),
        visits: count(node.visits, parts.visits),
        page_views: count(node.page_views, parts.page_views),
        bounces: count(node.bounces, parts.bounces),
        // Tax is rounded on each part, so what is left of it says nothing.
        ..Sums::default()
    };
    let counts = [rest.impressions, rest.clicks, rest.visits, rest.page_views, rest.bounces];
    let sums = [rest.spend, rest.conversions, rest.revenue].map(|it| it.map(|it| it.0));
    counts.into_iter().chain(sums).flatten().any(|left| left != 0).then_some(rest)
}
