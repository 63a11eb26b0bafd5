//! Statistics of one client as a tree; what it is made of is decided in `insight::pivot`.

use crate::{
    host::Host,
    wire::{BreakdownsRequest, PivotDimension, PivotKind, PivotNode, StatsPivot, StatsPivotRequest},
};
use insight::pivot::{self, Dimension, Kind, Node};
use model::{
    ad::Level,
    date::Grain,
    failure::{Code, Failure},
};
use store::Scope;

pub(crate) async fn stats_pivot(host: &Host, request: StatsPivotRequest) -> Result<StatsPivot, Failure> {
    let dimensions: Vec<Dimension> = request.dimensions.into_iter().map(Into::into).collect();
    if !pivot::makes_sense(&dimensions) {
        return Err(Failure::new(Code::BadRequest).with("field", "dimensions"));
    }
    let workspace = host.workspace().await?;
    let client = workspace.store.client(request.client_id).await?;
    let connections = workspace.store.connections(Scope::Client(client.id)).await?;
    let table =
        pivot::of_client(&workspace.store, &connections, client.id, client.currency, request.period, &dimensions)
            .await?;
    let margin = workspace.store.margins(Scope::Client(client.id)).await?.remove(&client.id);
    Ok(StatsPivot {
        currency: client.currency,
        total: table.total.at_margin(margin).into(),
        dimensions: table.dimensions.into_iter().map(Into::into).collect(),
        nodes: table.nodes.into_iter().map(|node| Node { sums: node.sums.at_margin(margin), ..node }.into()).collect(),
    })
}

pub(crate) async fn stats_breakdowns(host: &Host, request: BreakdownsRequest) -> Result<Vec<String>, Failure> {
    let workspace = host.workspace().await?;
    let client = workspace.store.client(request.client_id).await?;
    Ok(workspace.store.breakdown_kinds(client.id, request.period).await?)
}

impl From<PivotDimension> for Dimension {
    fn from(it: PivotDimension) -> Self {
        match it {
            PivotDimension::Channel => Self::Channel,
            PivotDimension::Account => Self::Account,
            PivotDimension::Campaign => Self::Object(Level::Campaign),
            PivotDimension::AdGroup => Self::Object(Level::AdGroup),
            PivotDimension::Ad => Self::Object(Level::Ad),
            PivotDimension::Day => Self::Time(Grain::Day),
            PivotDimension::Week => Self::Time(Grain::Week),
            PivotDimension::Month => Self::Time(Grain::Month),
            PivotDimension::Breakdown(kind) => Self::Breakdown(kind),
        }
    }
}

impl From<Dimension> for PivotDimension {
    fn from(it: Dimension) -> Self {
        match it {
            Dimension::Channel => Self::Channel,
            Dimension::Account | Dimension::Object(Level::Account) => Self::Account,
            Dimension::Object(Level::Campaign) => Self::Campaign,
            Dimension::Object(Level::AdGroup) => Self::AdGroup,
            Dimension::Object(Level::Ad) => Self::Ad,
            Dimension::Time(Grain::Day) => Self::Day,
            Dimension::Time(Grain::Week) => Self::Week,
            Dimension::Time(Grain::Month) => Self::Month,
            Dimension::Breakdown(kind) => Self::Breakdown(kind),
        }
    }
}

impl From<Kind> for PivotKind {
    fn from(it: Kind) -> Self {
        match it {
            Kind::Channel => Self::Channel,
            Kind::Account | Kind::Object(Level::Account) => Self::Account,
            Kind::Object(Level::Campaign) => Self::Campaign,
            Kind::Object(Level::AdGroup) => Self::AdGroup,
            Kind::Object(Level::Ad) => Self::Ad,
            Kind::Time(Grain::Day) => Self::Day,
            Kind::Time(Grain::Week) => Self::Week,
            Kind::Time(Grain::Month) => Self::Month,
            Kind::Breakdown => Self::Breakdown,
            Kind::NotSplit => Self::NotSplit,
            Kind::Apart => Self::Apart,
        }
    }
}

impl From<Node> for PivotNode {
    fn from(node: Node) -> Self {
        // A table has a hundred thousand rows at most.
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            depth: small(node.depth),
            parent: node.parent.map(small),
            key: node.key,
            kind: node.kind.into(),
            label: node.label,
            above: node.above,
            connector: node.connector,
            external_id: node.external_id,
            landing_url: node.landing.url,
            utm: node.landing.utm.known(),
            from: node.days.map(|days| days.from()),
            to: node.days.map(|days| days.to()),
            moving: node.moving,
            sums: node.sums.into(),
        }
    }
}
