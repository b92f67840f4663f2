"""Prints the table of src/ops/pytorch.rs: what PyTorch makes of the same numbers, in double precision."""

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def wave(shape, phase):
    count = torch.Size(shape).numel()
    return torch.sin(phase + 0.7 * torch.arange(count)).reshape(shape)


def case(name, shapes, f):
    inputs = [wave(shape, 1.0 + index).requires_grad_() for index, shape in enumerate(shapes)]
    y = f(*inputs)
    value = (y * wave(y.shape, 9.0)).sum()
    value.backward()
    sums = [value] + [(x.grad * wave(x.shape, 5.0)).sum() for x in inputs]
    print(f'    ("{name}", &[{", ".join(f"{number.item():.6}" for number in sums)}]),')


def first(x):
    return x.permute(0, 3, 1, 2)


def last(x):
    return x.permute(0, 2, 3, 1)


def nt_xent(x):
    logits = F.normalize(x) @ F.normalize(x).T / 0.5
    logits = logits.masked_fill(torch.eye(len(x), dtype=torch.bool), -torch.inf)
    return F.cross_entropy(logits, torch.arange(len(x)).roll(len(x) // 2))


def batch_norm(x, weight, bias, training=True):
    mean, variance = wave([4], 7.0), wave([4], 8.0) + 2.0
    return last(F.batch_norm(first(x), mean, variance, weight, bias, training))


def transposed(x, weight, bias):
    return last(F.conv_transpose2d(first(x), weight.permute(3, 2, 0, 1), bias, 2, 1, 1))


def conv(x, weight, bias, padding):
    return last(F.conv2d(F.pad(first(x), padding), weight.permute(3, 2, 0, 1), bias, 2))


def depthwise(x, weight, bias, padding):
    return last(F.conv2d(F.pad(first(x), padding), weight.permute(2, 0, 1).unsqueeze(1), bias, 2, groups=4))


def self_attention(qkv, is_causal):
    q, k, v = qkv.unflatten(2, (3, 2, 4)).permute(2, 0, 3, 1, 4)
    return F.scaled_dot_product_attention(q, k, v, is_causal=is_causal).transpose(1, 2).flatten(2)


def prepend_token(x, token):
    return torch.cat([token.expand(len(x), 1, -1), x], dim=1)


image = [2, 5, 3, 4]
labels = torch.tensor([2, 0, 3])
case("relu", [image], F.relu)
case("relu6", [image], lambda x: F.relu6(9 * x))
case("leaky relu", [image], lambda x: F.leaky_relu(x, 0.2))
case("gelu", [image], F.gelu)
case("silu", [image], F.silu)
case("sigmoid", [image], torch.sigmoid)
case("tanh", [image], torch.tanh)
case("add", [image] * 2, torch.add)
case("add with relu", [image] * 2, lambda a, b: F.relu(a + b))
tokens = torch.tensor([[2, 0, 2], [4, 2, 0]])
case("embedding", [[5, 4]], lambda table: F.embedding(tokens, table))
case("linear", [[2, 3, 4], [4, 5], [5]], lambda x, w, b: x @ w + b)
case("add_positions", [[2, 3, 4], [3, 4]], torch.add)
case("prepend_token", [[2, 3, 4], [4]], prepend_token)
case("take_token", [[2, 3, 4]], lambda x: x[:, 1])
for name, padding in [("", (1, 1, 1, 1)), ("uneven ", (1, 2, 0, 1))]:
    case(f"{name}conv2d", [image, [3, 2, 4, 3], [3]], lambda x, w, b: conv(x, w, b, padding))
    case(f"{name}depthwise_conv2d", [image, [3, 2, 4], [4]], lambda x, w, b: depthwise(x, w, b, padding))
case("conv_transpose2d", [image, [3, 2, 3, 4], [3]], transposed)
case("max_pool2d", [image], lambda x: last(F.max_pool2d(first(x), 2)))
case("overlapping max_pool2d", [image], lambda x: last(F.max_pool2d(first(x), 3, 2, 1)))
case("avg_pool2d", [image], lambda x: last(F.avg_pool2d(first(x), 2)))
case("global_avg_pool2d", [image], lambda x: x.mean((1, 2)))
case("subsample_and_pad", [image], lambda x: F.pad(x[:, ::2, ::2], (1, 2)))
case("upsample_nearest2d", [image], lambda x: last(F.interpolate(first(x), scale_factor=2)))
case("batch_norm", [image, [4], [4]], batch_norm)
case("batch_norm_running", [image, [4], [4]], lambda x, w, b: batch_norm(x, w, b, False))
case("group_norm", [image, [4], [4]], lambda x, w, b: last(F.group_norm(first(x), 2, w, b)))
case("layer_norm", [image, [4], [4]], lambda x, w, b: F.layer_norm(x, [4], w, b))
case("self_attention", [[2, 5, 24]], lambda qkv: self_attention(qkv, False))
case("causal self_attention", [[2, 5, 24]], lambda qkv: self_attention(qkv, True))
case("cross_entropy", [[3, 4]], lambda x: F.cross_entropy(x, labels, label_smoothing=0.1))
weights = torch.tensor([0.5, 3.0, 1.0, 2.0])
case("weighted cross_entropy", [[3, 4]], lambda x: F.cross_entropy(x, labels, weights, label_smoothing=0.1))
sparse = torch.tensor([[2, -100], [-100, 1], [3, 0]])
case("cross_entropy of some", [[3, 2, 4]], lambda x: F.cross_entropy(x.flatten(0, 1), sparse.flatten(), weights, label_smoothing=0.1))
case("binary_cross_entropy", [[3, 4]], lambda x: F.binary_cross_entropy_with_logits(x, wave([3, 4], 2.0).abs()))
case("mean_squared_error", [[3, 4]] * 2, F.mse_loss)
case("nt_xent", [[6, 4]], nt_xent)
