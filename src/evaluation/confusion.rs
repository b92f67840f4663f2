//! Classes in an order in which those lie together that a network confuses.

/// Every class once. The pair that is confused most often, by the shares of their examples, lies together; then, as near as can be,
/// the next one, and so on. Without mistakes the order is that of the classes.
pub fn by_confusion(confusion: &[Vec<usize>]) -> Vec<usize> {
    let mut chains: Vec<Vec<usize>> = (0..confusion.len()).map(|class| vec![class]).collect();
    let mut chain_of: Vec<usize> = (0..confusion.len()).collect();
    for [a, b] in confused_pairs(confusion) {
        let [first, second] = [chain_of[a], chain_of[b]];
        if first == second {
            continue;
        }
        let mut before = std::mem::take(&mut chains[first]);
        let mut after = std::mem::take(&mut chains[second]);
        if is_in_first_half(&before, a) {
            before.reverse();
        }
        if !is_in_first_half(&after, b) {
            after.reverse();
        }
        after.iter().for_each(|class| chain_of[*class] = first);
        before.extend(after);
        chains[first] = before;
    }
    chains.retain(|chain| !chain.is_empty());
    chains.sort_by_key(|chain| chain.iter().min().copied());
    chains.concat()
}

/// The most confused pair first; only those that are confused at all.
fn confused_pairs(confusion: &[Vec<usize>]) -> Vec<[usize; 2]> {
    let examples: Vec<usize> = confusion.iter().map(|row| row.iter().sum()).collect();
    let share = |label: usize, taken: usize| confusion[label][taken] as f64 / examples[label].max(1) as f64;
    let pairs = (0..confusion.len()).flat_map(|a| (a + 1..confusion.len()).map(move |b| [a, b]));
    let mut pairs: Vec<([usize; 2], f64)> =
        pairs.map(|[a, b]| ([a, b], share(a, b) + share(b, a))).filter(|(_, share)| *share > 0.0).collect();
    pairs.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    pairs.into_iter().map(|(pair, _)| pair).collect()
}

fn is_in_first_half(chain: &[usize], class: usize) -> bool {
    chain.iter().position(|of| *of == class).is_some_and(|at| at < chain.len() / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten examples a class, some of which are taken for another one.
    fn confusion(classes: usize, taken: &[(usize, usize, usize)]) -> Vec<Vec<usize>> {
        let row = |label: usize| (0..classes).map(|class| if class == label { 10 } else { 0 }).collect();
        let mut confusion: Vec<Vec<usize>> = (0..classes).map(row).collect();
        for (label, class, examples) in taken {
            confusion[*label][*class] += examples;
            confusion[*label][*label] -= examples;
        }
        confusion
    }

    #[test]
    fn confused_classes_lie_together_and_others_where_they_were() {
        assert_eq!(by_confusion(&confusion(5, &[])), [0, 1, 2, 3, 4]);
        assert_eq!(by_confusion(&confusion(6, &[(1, 4, 3), (5, 0, 1)])), [0, 5, 1, 4, 2, 3]);
        // 4 with 9, then 9 with 7: 9 stands between them.
        assert_eq!(by_confusion(&confusion(10, &[(9, 4, 3), (7, 9, 2)])), [0, 1, 2, 3, 7, 9, 4, 5, 6, 8]);
        let all = by_confusion(&confusion(8, &[(0, 7, 2), (7, 3, 1), (3, 0, 1), (6, 1, 4), (1, 3, 1)]));
        assert_eq!(
            {
                let mut all = all;
                all.sort_unstable();
                all
            },
            (0..8).collect::<Vec<_>>()
        );
        assert!(by_confusion(&[]).is_empty());
    }

    #[test]
    fn a_rare_class_counts_by_its_share() {
        let mut counts = confusion(4, &[(0, 1, 2)]);
        // Of two examples one is taken for 0: more, as a share, than the two of ten.
        counts[3] = vec![1, 0, 0, 1];
        assert_eq!(by_confusion(&counts), [3, 0, 1, 2]);
    }
}
