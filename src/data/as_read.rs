//! What a split is drawn from, so that a correction moves only the example that it changes: the training examples as they
//! were read, in their order and with the labels they had, and which of them are the same.
use super::Examples;
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
};

/// A part of a data set before anything was corrected.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AsRead {
    /// Of every example there was.
    pub labels: Vec<u16>,
    /// Where each of them is now; nothing where it is left out.
    pub places: Vec<Option<usize>>,
    /// Of examples that are equal to an earlier one: the first of these.
    pub twins: BTreeMap<usize, usize>,
}

impl AsRead {
    /// A part of which nothing was corrected.
    pub fn of(labels: &[u16]) -> Self {
        Self {
            labels: labels.to_vec(),
            places: (0..labels.len()).map(Some).collect(),
            twins: BTreeMap::new(),
        }
    }

    /// What it is once only the examples at `kept` are there, in that order.
    pub(super) fn left(&self, kept: &[usize]) -> Self {
        let now: HashMap<usize, usize> =
            kept.iter().copied().enumerate().map(|(is, was)| (was, is)).collect();
        let places = self.places.iter().map(|place| now.get(place.as_ref()?).copied()).collect();
        Self { places, ..self.clone() }
    }

    /// What it is of the examples that were read as one of `classes`, whose labels then count from 0.
    pub(super) fn narrowed(&self, classes: &Range<usize>) -> Self {
        let mut narrowed = Self::default();
        let mut firsts = HashMap::new();
        for (example, (label, place)) in self.labels.iter().zip(&self.places).enumerate() {
            if !classes.contains(&usize::from(*label)) {
                continue;
            }
            let now = narrowed.labels.len();
            let first = *firsts.entry(self.twins.get(&example).copied().unwrap_or(example)).or_insert(now);
            if first < now {
                narrowed.twins.insert(now, first);
            }
            narrowed.labels.push(label - classes.start as u16);
            narrowed.places.push(*place);
        }
        narrowed
    }

    /// The examples of today, of `examples` in all, that were not there: corrections brought them into these classes.
    pub(super) fn brought_in(&self, examples: usize) -> Vec<usize> {
        let mut is_new = vec![true; examples];
        self.places.iter().flatten().for_each(|place| is_new[*place] = false);
        (0..examples).filter(|example| is_new[*example]).collect()
    }
}

impl Examples {
    /// What a split of these examples is drawn from.
    pub fn as_read(&self) -> Cow<'_, AsRead> {
        self.as_read.as_ref().map_or_else(|| Cow::Owned(AsRead::of(self.labels())), Cow::Borrowed)
    }

    /// Takes note of examples that are equal, so that no split puts one of them on either side. Examples that stay on disk
    /// are not compared: all of them would have to be decoded.
    pub(super) fn find_twins(&mut self) {
        let twins = self.twins();
        self.as_read = (!twins.is_empty()).then(|| AsRead { twins, ..AsRead::of(self.labels()) });
    }

    /// How many of these examples are among others too; none where either stay on disk.
    pub(super) fn count_in(&self, others: &Self) -> usize {
        let Some(((bytes, size), (others, _))) = self.inputs.in_memory().zip(others.inputs.in_memory())
        else {
            return 0;
        };
        let known: HashSet<&[u8]> = others.chunks_exact(size).collect();
        bytes.chunks_exact(size).filter(|example| known.contains(example)).count()
    }

    fn twins(&self) -> BTreeMap<usize, usize> {
        let Some((bytes, size)) = self.inputs.in_memory() else { return BTreeMap::new() };
        let mut firsts = HashMap::new();
        let first = |(at, example)| (at, *firsts.entry(example).or_insert(at));
        bytes.chunks_exact(size).enumerate().map(first).filter(|(at, first)| first < at).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_examples_are_known_and_stay_so_where_classes_are_left_out() {
        let mut part = Examples::images(vec![1, 1, 2, 2, 1, 1, 3, 3, 1, 1, 2, 2], vec![0, 1, 2, 2, 1, 1]);
        part.find_twins();
        let all = part.as_read().into_owned();
        assert_eq!(all.twins, [(2, 0), (4, 0), (5, 1)].into());
        let two = AsRead { places: [Some(0), None, Some(1), Some(2), Some(3), None].into(), ..all }
            .narrowed(&(1..3));
        assert_eq!(two.labels, [0, 1, 1, 0, 0]);
        assert_eq!(two.places, [None, Some(1), Some(2), Some(3), None]);
        // the first of those that are left stands for the others
        assert_eq!(two.twins, [(3, 1), (4, 0)].into());
        assert_eq!(two.brought_in(4), [0]);
        let mut none = Examples::images(vec![1, 2], vec![0, 1]);
        none.find_twins();
        assert_eq!(none.as_read, None);
    }
}
