"""One file a loss: scores, labels and marks of the frames of a batch to one number.

A loss is a module ``Loss(settings, task, labels)`` of the settings, the task, and the labels of the training fold;
``forward(scores, truth, marks)`` takes

- ``scores`` ``(n, columns + extra)`` as the network gives them, float32 or wider (a network under autocast: cast
  first): values and intensities in their range, classes and labels as logits;
- ``truth`` ``(n, W)``, W being 1 for a class and the number of columns otherwise;
- ``marks`` bool ``(n, W)``, which values count. What does not count may be anything, and changes neither the loss nor
  a gradient; a column without a value that counts adds 0.

The file bears the loss's name in the settings; adding one is that file, its settings class and a registry line.
"""
