//! Reads Excel workbooks. Cells are typed there, so a number needs no guess about its decimal sign; what needs care is how
//! floats become exact decimals, which cells are merged, and that long ids kept as numbers have lost their last digits.

use super::{
    Field, Kind, Table,
    sniff::{self, refused},
    table::{Cells, Merge, Origin, TooManyCells},
};
use calamine::{Data, DataRef, Reader, SheetType, Xlsx};
use model::failure::{Code, Failure};
use std::{
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// The widest sheet Excel can have.
const MAX_COLUMNS: usize = 16_384;

/// Opens a workbook and reads its first sheet with days and figures; without one, the first with anything.
pub(super) fn open(bytes: &[u8]) -> Result<Table, Failure> {
    // The parser is third-party and the file may be crafted: a panic in it must cost this file only.
    catch_unwind(AssertUnwindSafe(|| read(bytes)))
        .unwrap_or_else(|_| Err(refused("damaged xlsx").detail("the workbook parser gave up")))
}

fn damaged(error: &impl std::fmt::Display) -> Failure {
    refused("damaged xlsx").detail(error)
}

fn too_large(TooManyCells: TooManyCells) -> Failure {
    Failure::new(Code::FileTooLarge)
        .with("bytes", sniff::MAX_UNPACKED)
        .with("limit", sniff::MAX_UNPACKED)
        .detail("too many cells")
}

fn read(bytes: &[u8]) -> Result<Table, Failure> {
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
    let from_1904 = workbook.has_1904_epoch();
    let sheets: Vec<String> = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .map(|sheet| sheet.name.clone())
        .collect();
    let mut broken = None;
    let mut fallback = None;
    for name in &sheets {
        let cells = match read_sheet(&mut workbook, name) {
            Ok(cells) if cells.height() == 0 => continue,
            Ok(cells) => cells,
            Err(failure) => {
                broken = Some(failure);
                continue;
            }
        };
        let merges = merges(&mut workbook, name)?;
        let table = Table::find(
            cells,
            Origin {
                kind: Kind::Xlsx,
                encoding: None,
                delimiter: None,
                sheet: Some(name.clone()),
                sheets: sheets.clone(),
                merges,
                from_1904,
                notes: Vec::new(),
            },
        );
        // A cover sheet has lines too; the sheet with days and figures is the one that is meant.
        let fields = super::guess(&table);
        let figures = [Field::Cost, Field::CostMicros, Field::Impressions, Field::Clicks];
        if fields.contains(&Field::Date) && figures.iter().any(|field| fields.contains(field)) {
            return Ok(table);
        }
        fallback = fallback.or(Some(table));
    }
    if let Some(table) = fallback {
        return Ok(table);
    }
    Err(broken.unwrap_or_else(|| refused("empty")))
}

fn merges(workbook: &mut Xlsx<Cursor<&[u8]>>, sheet: &str) -> Result<Vec<Merge>, Failure> {
    let regions = workbook.merge_cells_by_sheet_name(sheet).map_err(|error| damaged(&error))?;
    Ok(regions
        .into_iter()
        .filter(|region| region.start.0 <= region.end.0 && region.start.1 <= region.end.1)
        .map(|region| Merge {
            top: u64::from(region.start.0) + 1,
            bottom: u64::from(region.end.0) + 1,
            left: region.start.1 as usize,
            right: region.end.1 as usize,
        })
        .collect())
}

/// Reads the cells of a sheet as a stream, so that no second copy of it is held.
fn read_sheet(workbook: &mut Xlsx<Cursor<&[u8]>>, sheet: &str) -> Result<Cells, Failure> {
    let mut reader = workbook.worksheet_cells_reader(sheet).map_err(|error| damaged(&error))?;
    let mut cells = Cells::default();
    let mut row = 0u32;
    let mut mark = 0;
    loop {
        let next = reader.next_cell().map_err(|error| damaged(&error))?;
        let position = next.as_ref().map(calamine::Cell::get_position);
        if position.is_none_or(|(at, _)| at != row) {
            if cells.mark() > mark {
                cells.end_row(u64::from(row) + 1, mark).map_err(too_large)?;
            }
            mark = cells.mark();
        }
        let (Some(cell), Some((at, column))) = (next, position) else { return Ok(cells) };
        let column = column as usize;
        if at < row || column >= MAX_COLUMNS || cells.mark() - mark > column {
            return Err(damaged(&"cells out of order"));
        }
        row = at;
        let text = text_of(cell.get_value());
        if text.is_empty() {
            continue;
        }
        while cells.mark() - mark < column {
            cells.push("").map_err(too_large)?;
        }
        cells.push(&text).map_err(too_large)?;
    }
}

/// The cell as text that reads back to the same value.
fn text_of(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => decimal(*number),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(flag) => flag.to_string(),
        DataRef::DateTime(moment) if moment.is_datetime() && moment.as_f64() >= 1.0 => {
            let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
            if (hour, minute, second) == (0, 0, 0) {
                format!("{year:04}-{month:02}-{day:02}")
            } else {
                format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
            }
        }
        DataRef::DateTime(moment) => decimal(moment.as_f64()),
        DataRef::Error(_) => Data::from(value.clone()).to_string(),
    }
}

/// A float as the decimal a person typed. Excel keeps fifteen significant digits; what stands beyond them is the trace of
/// binary sums (0.1 + 0.2). Whole numbers are exact up to 2^53; above it the number is written as an exponent, because an
/// id of that length has lost its last digits and must not pass for the real one.
fn decimal(number: f64) -> String {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if !number.is_finite() {
        return "#NUM!".to_owned();
    }
    if number.abs() >= EXACT {
        let text = format!("{number:e}");
        return match text.split_once('e') {
            Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0E+{exponent}"),
            Some((mantissa, exponent)) => format!("{mantissa}E+{exponent}"),
            None => text,
        };
    }
    if number.fract() == 0.0 {
        // Adding zero takes the sign off a negative zero.
        return format!("{:.0}", number + 0.0);
    }
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    rounded.to_string()
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn a_float_becomes_the_decimal_that_was_typed() {
        for (number, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (-50.0, "-50"),
            (-0.5, "-0.5"),
            (0.1 + 0.2, "0.3"),
            (1_284_300.55, "1284300.55"),
            (23_328.92, "23328.92"),
            (6_229_007_992_271.0, "6229007992271"),
            (9_007_199_254_740_991.0, "9007199254740991"),
            (23_851_234_567_890_123.0, "2.3851234567890124E+16"),
            (1e300, "1.0E+300"),
            (1e-9, "0.000000001"),
            (f64::NAN, "#NUM!"),
        ] {
            assert_eq!(decimal(number), expected);
        }
    }
}
