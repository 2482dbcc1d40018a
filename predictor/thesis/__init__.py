"""The recipe of the thesis behind nasc (2.1), as a ranker to compare with; every choice in it is an option.

An embedding for each kind of attribute; six GIN layers beside a transformer with four heads, 256 + 256 numbers a graph;
pretraining without labels: a contrastive loss between two dropout views with soft labels from the distance of the 21
smallest eigenvalues of the normalised Laplacian, and a reconstruction of node embeddings, under a temperature that
falls from 0.35 to 0.05. Then a spherical Gaussian mixture over embeddings by expectation maximisation, and experts on a
shared trunk, weighed by its posterior.

Two signs of the text are read as they must be meant: near graphs get the large weight (softmax of minus the distance),
and the soft labels of a graph sum up to 1.
"""
