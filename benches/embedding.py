"""How trustworthy Headstart's t-SNE is beside scikit-learn's: on 5,000 MNIST digits, by the same embeddings.

    headstart embed RUN --split train --images 5000 --method none --out embeddings.csv
    headstart embed RUN --split train --images 5000 --method tsne --out tsne.csv
    headstart embed RUN --split train --images 5000 --method pca --out pca.csv
    python benches/embedding.py embeddings.csv tsne.csv pca.csv

Trustworthiness (Venna and Kaski, 2001) is the share, by rank, of the neighbours on the map that are neighbours of the
embeddings too; here of 5 and of 12 neighbours. Needs numpy and scikit-learn.
"""
import sys
import time

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, trustworthiness


def table(path):
    columns = np.genfromtxt(path, delimiter=",", skip_header=1)
    return columns[:, 0], columns[:, 3:]


def main():
    images, embeddings = table(sys.argv[1])
    maps = {}
    for path in sys.argv[2:]:
        order, maps[path] = table(path)
        assert (order == images).all(), f"{path} is of other images"
    began = time.time()
    maps["scikit-learn TSNE"] = TSNE(random_state=0).fit_transform(embeddings)
    print(f"scikit-learn took {time.time() - began:.1f} s for {len(images)} images of {embeddings.shape[1]} numbers")
    maps["scikit-learn PCA"] = PCA(2).fit_transform(embeddings)
    for name, positions in maps.items():
        scores = [trustworthiness(embeddings, positions, n_neighbors=count) for count in (5, 12)]
        print(f"{name:<24} " + "  ".join(f"{score:.4f}" for score in scores))


main()
