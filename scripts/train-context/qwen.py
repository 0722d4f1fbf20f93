"""A minimal Qwen of the first generation: RMSNorm, RoPE over half-split pairs, biases on q, k and v alone, SwiGLU with
its gate second, untied head. Parameter names are those of QWenLMHeadModel, so state_dict() is the checkpoint.

Dynamic NTK and LogN do nothing within the trained length, so training needs neither.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model import rotate


@dataclass(frozen=True)
class Shape:
    """Dimensions; `context` is the trained length (seq_length)."""

    vocab: int = 1024
    hidden: int = 160
    layers: int = 4
    heads: int = 5
    head_dim: int = 32
    ffn: int = 416
    context: int = 128
    # As in Qwen-7B (10000 at 2048), five eighths of the pairs turn at least once within the trained length.
    rope_base: float = 120.0
    eps: float = 1e-6


class Attention(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        width = shape.heads * shape.head_dim
        self.c_attn = nn.Linear(shape.hidden, 3 * width)
        self.c_proj = nn.Linear(width, shape.hidden, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        batch, time, _ = x.shape
        split = self.c_attn(x).view(batch, time, 3, self.shape.heads, self.shape.head_dim)
        q, k, v = split.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v, is_causal=True)
        return self.c_proj(mixed.transpose(1, 2).reshape(batch, time, -1))


class Mlp(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.w1 = nn.Linear(shape.hidden, shape.ffn, bias=False)
        self.w2 = nn.Linear(shape.hidden, shape.ffn, bias=False)
        self.c_proj = nn.Linear(shape.ffn, shape.hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.c_proj(self.w1(x) * F.silu(self.w2(x)))


class Layer(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.ln_1 = nn.RMSNorm(shape.hidden, shape.eps)
        self.attn = Attention(shape)
        self.ln_2 = nn.RMSNorm(shape.hidden, shape.eps)
        self.mlp = Mlp(shape)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x), cos, sin)
        return x + self.mlp(self.ln_2(x))


class Body(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.wte = nn.Embedding(shape.vocab, shape.hidden)
        self.h = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.ln_f = nn.RMSNorm(shape.hidden, shape.eps)


class Qwen(nn.Module):
    """ids (batch, time) to logits (batch, time, vocab)."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.transformer = Body(shape)
        self.lm_head = nn.Linear(shape.hidden, shape.vocab, bias=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                # What a layer adds to the stream starts smaller, so that the stream does not grow with depth.
                nn.init.normal_(weight, std=0.02 if name.endswith("c_proj.weight") else 0.05)
            elif name.endswith("bias"):
                nn.init.zeros_(weight)

    def turns(self, time: int) -> tuple[Tensor, Tensor]:
        """cos and sin, each (time, head_dim / 2)."""
        half = self.shape.head_dim // 2
        frequency = self.shape.rope_base ** (-torch.arange(half, dtype=torch.float64) / half)
        angles = torch.outer(torch.arange(time, dtype=torch.float64), frequency)
        return angles.cos().float(), angles.sin().float()

    def forward(self, ids: Tensor) -> Tensor:
        cos, sin = self.turns(ids.shape[1])
        x = self.transformer.wte(ids)
        for layer in self.transformer.h:
            x = layer(x, cos, sin)
        return self.lm_head(self.transformer.ln_f(x))
