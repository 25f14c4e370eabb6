"""Which of some sentences is nearest to a question, by mean-pooled BERT vectors.

python examples/embeddings.py
"""

from __future__ import annotations

from searchapp import Encoder

SENTENCES = (
    "The bank raised its interest rates.",
    "Reeds grow along the bank of the river.",
    "Charge the battery bank before the trip.",
)


def main() -> None:
    """Print each sentence with its cosine to the question, nearest first."""
    encoder = Encoder.load("default")
    rows = encoder.encode_sentences(SENTENCES)  # (3, dim), unit length
    question = encoder.encode_question("Where do plants stand by the water?")  # (dim,)
    for cosine, sentence in sorted(zip(rows @ question, SENTENCES, strict=True), reverse=True):
        print(f"{cosine:.2f}  {sentence}")


if __name__ == "__main__":
    main()
