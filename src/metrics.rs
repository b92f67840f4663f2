//! What is measured while a run trains: plain numbers, formatted where they are shown.

/// Which part of a data set a number was measured on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Split {
    /// The examples that the weights are fitted to.
    Train,
    /// Carved from the training examples; guides choices, never the weights.
    Validation,
    /// Read for the final evaluation, or when asked; never used to choose anything.
    Test,
}

impl Split {
    /// Every split.
    pub const ALL: [Split; 3] = [Split::Train, Split::Validation, Split::Test];

    /// The name used in files, on the command line and in the window.
    pub fn id(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Validation => "validation",
            Split::Test => "test",
        }
    }

    /// Looks a split up by its name.
    pub fn find(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|split| split.id() == id)
    }
}

/// One measured number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Training steps (batches) done when it was measured.
    pub step: u64,
    /// Which examples it was measured on.
    pub split: Split,
    /// The `id` of a [`MetricInfo`].
    pub metric: &'static str,
    /// In the unit of the metric.
    pub value: f64,
}

/// How a metric's numbers are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unit {
    /// A plain number, such as a loss in nats.
    Number,
    /// A share from 0 to 1, shown as a percentage.
    Share,
}

impl Unit {
    /// The lowest and the highest share that there can be.
    pub const SHARES: [f64; 2] = [0.0, 1.0];
}

/// What a metric is called and how it reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricInfo {
    /// The name used in files and on the command line.
    pub id: &'static str,
    /// The name shown in the window.
    pub label: &'static str,
    /// One sentence on what it means.
    pub help: &'static str,
    /// How its numbers are written.
    pub unit: Unit,
    /// Whether larger values are better.
    pub higher_is_better: bool,
}

/// What training minimises; for classifiers the cross-entropy in nats.
pub const LOSS: &str = "loss";
/// Share of examples whose most probable class is the label.
pub const ACCURACY: &str = "accuracy";
/// Share of right labels among those that a run gave to unlabelled examples.
pub const SELF_LABEL_ACCURACY: &str = "self_label_accuracy";
/// The learning rate of a step, schedule and warm-up included.
pub const LEARNING_RATE: &str = "learning_rate";
/// The Euclidean norm of all gradients of a step, before clipping.
pub const GRADIENT_NORM: &str = "gradient_norm";
/// Accuracy of a vote of the nearest neighbours among embeddings.
pub const KNN_ACCURACY: &str = "knn_accuracy";
/// Accuracy of a linear probe on the embeddings.
pub const LINEAR_ACCURACY: &str = "linear_accuracy";
/// The participation ratio of the embeddings' covariance: tr(C)² / tr(C²).
pub const EFFECTIVE_RANK: &str = "effective_rank";
/// The root of the mean squared distance of unit embeddings from their mean.
pub const FEATURE_SPREAD: &str = "feature_spread";
/// The mean squared distance between embeddings of two views of an example.
pub const ALIGNMENT: &str = "alignment";
/// The logarithm of the mean Gaussian potential of pairs of embeddings.
pub const UNIFORMITY: &str = "uniformity";
/// Share of images whose rotation is recognised.
pub const ROTATION_ACCURACY: &str = "rotation_accuracy";
/// The evidence lower bound, in nats for an image.
pub const ELBO: &str = "elbo";
/// The Kullback–Leibler divergence of the latent from its prior, in nats for an image.
pub const KL: &str = "kl";
/// The negative evidence lower bound in bits for each pixel.
pub const BITS_PER_DIM: &str = "bits_per_dim";
/// The discriminator's cross-entropy over real and generated images, in nats.
pub const DISCRIMINATOR_LOSS: &str = "discriminator_loss";
/// The generator's non-saturating loss, in nats.
pub const GENERATOR_LOSS: &str = "generator_loss";
/// Mean probability of being real that the discriminator gives to real images.
pub const REAL_CONFIDENCE: &str = "real_confidence";
/// Mean probability of being real that the discriminator gives to generated images.
pub const GENERATED_CONFIDENCE: &str = "generated_confidence";
/// Variance of the pixels of generated images, as a share of that of real ones.
pub const SAMPLE_DIVERSITY: &str = "sample_diversity";

/// Numbers of these are −ln p, or differences of such.
const IN_NATS: [&str; 5] = [LOSS, ELBO, KL, DISCRIMINATOR_LOSS, GENERATOR_LOSS];

/// Every metric, in the order in which the window offers them.
pub static ALL: &[MetricInfo] = &[
    MetricInfo {
        id: LOSS,
        label: "Loss",
        help: "What training minimises. For a classifier the cross-entropy, in nats: how improbable the right answers are to it.",
        unit: Unit::Number,
        higher_is_better: false,
    },
    MetricInfo {
        id: ACCURACY,
        label: "Accuracy",
        help: "The share of examples whose most probable class is the right one.",
        unit: Unit::Share,
        higher_is_better: true,
    },
    MetricInfo {
        id: SELF_LABEL_ACCURACY,
        label: "Self-given labels",
        help: "How many of the labels that the network gave to unlabelled examples are right. The true ones are only looked at to measure this.",
        unit: Unit::Share,
        higher_is_better: true,
    },
    MetricInfo {
        id: KNN_ACCURACY,
        label: "Neighbour accuracy",
        help: "How often the examples with the nearest embeddings have the same label. The labels are only looked at to measure this.",
        unit: Unit::Share,
        higher_is_better: true,
    },
    MetricInfo {
        id: LINEAR_ACCURACY,
        label: "Linear accuracy",
        help: "How often a linear layer, fitted to the embeddings of a thousand labelled examples, labels others right. The network itself never sees these labels.",
        unit: Unit::Share,
        higher_is_better: true,
    },
    MetricInfo {
        id: EFFECTIVE_RANK,
        label: "Effective rank",
        help: "How many independent directions the embeddings use. One or two mean that the features have collapsed.",
        unit: Unit::Number,
        higher_is_better: true,
    },
    MetricInfo {
        id: FEATURE_SPREAD,
        label: "Feature spread",
        help: "How far apart the embeddings of different examples lie: 0 where all examples look the same to the encoder, near 1 where they point all ways.",
        unit: Unit::Number,
        higher_is_better: true,
    },
    MetricInfo {
        id: ALIGNMENT,
        label: "Alignment",
        help: "The mean squared distance between two views of the same example: what is the same should lie close together.",
        unit: Unit::Number,
        higher_is_better: false,
    },
    MetricInfo {
        id: UNIFORMITY,
        label: "Uniformity",
        help: "How evenly all views are spread over the sphere: lower is more even.",
        unit: Unit::Number,
        higher_is_better: false,
    },
    MetricInfo {
        id: ROTATION_ACCURACY,
        label: "Rotation accuracy",
        help: "How often the network says rightly by how much an image was turned. Guessing gives 25 %.",
        unit: Unit::Share,
        higher_is_better: true,
    },
    MetricInfo {
        id: ELBO,
        label: "Evidence bound",
        help: "A lower bound of the log probability of an image, in nats (the ELBO): higher is better.",
        unit: Unit::Number,
        higher_is_better: true,
    },
    MetricInfo {
        id: KL,
        label: "Latent information",
        help: "How much information the latents hold about an image, in nats: their divergence from pure noise.",
        unit: Unit::Number,
        higher_is_better: false,
    },
    MetricInfo {
        id: BITS_PER_DIM,
        label: "Bits per dimension",
        help: "The evidence bound for each pixel in bits: what an image would take if it were packed by this network.",
        unit: Unit::Number,
        higher_is_better: false,
    },
    MetricInfo {
        id: DISCRIMINATOR_LOSS,
        label: "Discriminator loss",
        help: "The discriminator's cross-entropy on real and generated images, in nats: 1.39 where it can only guess.",
        unit: Unit::Number,
        higher_is_better: false,
    },
    MetricInfo {
        id: GENERATOR_LOSS,
        label: "Generator loss",
        help: "The generator's loss, in nats: the lower, the more often the discriminator takes its images for real; 0.69 where it can only guess.",
        unit: Unit::Number,
        higher_is_better: false,
    },
    MetricInfo {
        id: REAL_CONFIDENCE,
        label: "Real taken for real",
        help: "The probability that the discriminator gives to real images of being real. Near 50 % for real and generated ones, the two networks are in balance.",
        unit: Unit::Share,
        higher_is_better: true,
    },
    MetricInfo {
        id: GENERATED_CONFIDENCE,
        label: "Forged taken for real",
        help: "The probability that the discriminator gives to generated images of being real. Near 0 %, the generator no longer learns.",
        unit: Unit::Share,
        higher_is_better: true,
    },
    MetricInfo {
        id: SAMPLE_DIVERSITY,
        label: "Sample diversity",
        help: "How much generated images differ from each other, relative to real ones: far below 1, the generator makes the same few images again and again (mode collapse).",
        unit: Unit::Number,
        higher_is_better: true,
    },
    MetricInfo {
        id: LEARNING_RATE,
        label: "Learning rate",
        help: "The size of the step that was taken, after the schedule.",
        unit: Unit::Number,
        higher_is_better: false,
    },
    MetricInfo {
        id: GRADIENT_NORM,
        label: "Gradient norm",
        help: "The length of the gradient before clipping. A sudden rise warns of a diverging run.",
        unit: Unit::Number,
        higher_is_better: false,
    },
];

impl MetricInfo {
    /// What it is called within a sentence, such as "neighbour accuracy".
    pub fn name(&self) -> String {
        self.label.to_lowercase()
    }

    /// A value with its unit, such as "98.61 %" or "0.0432 nats".
    pub fn written(&self, value: f64) -> String {
        match self.unit {
            Unit::Share => format!("{:.2} %", value * 100.0),
            Unit::Number if IN_NATS.contains(&self.id) => format!("{value:.4} nats"),
            Unit::Number => format!("{value:.4}"),
        }
    }
}

/// Looks a metric up by its identifier.
pub fn find(id: &str) -> Option<&'static MetricInfo> {
    ALL.iter().find(|metric| metric.id == id)
}
