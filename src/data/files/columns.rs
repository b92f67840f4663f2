//! What the columns of tables are called.
use super::table::plain;

/// Columns of files of pictures, by the letters of their names.
pub const FILES: [&str; 24] = [
    "file",
    "filename",
    "image",
    "imagename",
    "imagepath",
    "imagefile",
    "imagefilename",
    "imageid",
    "img",
    "imgname",
    "imgpath",
    "imgfile",
    "path",
    "filepath",
    "relativepath",
    "picture",
    "photo",
    "photograph",
    "pic",
    "fname",
    "name",
    "idcode",
    "id",
    "externalid",
];
/// Columns of labels.
pub const LABELS: [&str; 29] = [
    "label",
    "class",
    "target",
    "category",
    "y",
    "labelname",
    "classname",
    "categoryname",
    "labelid",
    "classid",
    "categoryid",
    "labelidx",
    "classidx",
    "classindex",
    "finelabel",
    "coarselabel",
    "superclass",
    "species",
    "breed",
    "variety",
    "diagnosis",
    "dx",
    "emotion",
    "expression",
    "tag",
    "digit",
    "letter",
    "character",
    "type",
];
/// Columns that count the rows.
const INDICES: [&str; 7] = ["", "id", "index", "idx", "unnamed0", "row", "number"];
/// Columns of the parts that rows belong to.
const SPLITS: [&str; 10] =
    ["split", "set", "subset", "usage", "partition", "part", "dataset", "datasplit", "phase", "fold"];
/// Left, top, right and bottom of a box.
const CORNERS: [[&str; 4]; 4] = [
    ["xmin", "ymin", "xmax", "ymax"],
    ["x1", "y1", "x2", "y2"],
    ["left", "top", "right", "bottom"],
    ["bboxx1", "bboxy1", "bboxx2", "bboxy2"],
];
/// Left, top, width and height of a box.
const SIZED: [[&str; 4]; 5] = [
    ["x", "y", "w", "h"],
    ["x", "y", "width", "height"],
    ["left", "top", "width", "height"],
    ["bboxx", "bboxy", "bboxw", "bboxh"],
    ["bboxx", "bboxy", "bboxwidth", "bboxheight"],
];

/// Where a box's numbers are in a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bounds {
    /// Left, top, right and bottom.
    Corners([usize; 4]),
    /// Left, top, width and height.
    Sized([usize; 4]),
}

impl Bounds {
    /// The columns.
    pub fn columns(self) -> [usize; 4] {
        match self {
            Bounds::Corners(columns) | Bounds::Sized(columns) => columns,
        }
    }

    /// Left, top, width and height.
    pub fn measured(self, [left, top, third, fourth]: [f64; 4]) -> [f64; 4] {
        match self {
            Bounds::Corners(_) => [left, top, third - left, fourth - top],
            Bounds::Sized(_) => [left, top, third, fourth],
        }
    }
}

/// The names of a table's columns.
#[derive(Debug, Default)]
pub struct Header(Vec<String>);

impl Header {
    pub fn of(row: &[String]) -> Self {
        Self(row.iter().map(|name| plain(name)).collect())
    }

    /// The column that has one of the names, of which the first is the best; a name may be in the plural.
    pub fn find(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|known| self.0.iter().position(|name| is(name, known)))
    }

    /// The columns that have one of the names.
    pub fn all(&self, names: &[&str]) -> Vec<usize> {
        (0..self.0.len()).filter(|at| names.iter().any(|known| is(&self.0[*at], known))).collect()
    }

    pub fn is_index(&self, column: usize) -> bool {
        INDICES.contains(&self.0[column].as_str())
    }

    pub fn splits(&self) -> Vec<usize> {
        self.all(&SPLITS)
    }

    /// The columns of boxes.
    pub fn bounds(&self) -> Option<Bounds> {
        let own = |names: &[&str; 4]| -> Option<[usize; 4]> {
            let found: Option<Vec<usize>> =
                names.iter().map(|known| self.0.iter().position(|name| name == known)).collect();
            found?.try_into().ok()
        };
        CORNERS
            .iter()
            .find_map(own)
            .map(Bounds::Corners)
            .or_else(|| SIZED.iter().find_map(own).map(Bounds::Sized))
    }

    /// The columns of a photograph's width and height.
    pub fn size(&self) -> Option<[usize; 2]> {
        let own = |name: &str| self.0.iter().position(|own| own == name);
        own("width").zip(own("height")).map(|(width, height)| [width, height])
    }
}

fn is(name: &str, known: &str) -> bool {
    name.strip_prefix(known).is_some_and(|rest| ["", "s", "es"].contains(&rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(names: &str) -> Header {
        Header::of(&names.split(',').map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn columns_are_found_by_name() {
        let birds = header("class id,filepaths,labels,data set");
        assert_eq!((birds.find(&FILES), birds.all(&LABELS), birds.splits()), (Some(1), vec![0, 2], vec![3]));
        assert!(header("Unnamed: 0,file").is_index(0));
        let boxes = header("filename,width,height,class,xmin,ymin,xmax,ymax");
        assert_eq!((boxes.bounds(), boxes.size()), (Some(Bounds::Corners([4, 5, 6, 7])), Some([1, 2])));
        assert_eq!(header("x,y,width,height").bounds(), Some(Bounds::Sized([0, 1, 2, 3])));
        assert_eq!(header("file,label").bounds(), None);
        assert_eq!(Bounds::Corners([0; 4]).measured([1.0, 2.0, 5.0, 9.0]), [1.0, 2.0, 4.0, 7.0]);
        assert_eq!(Bounds::Sized([0; 4]).measured([1.0, 2.0, 5.0, 9.0]), [1.0, 2.0, 5.0, 9.0]);
    }
}
