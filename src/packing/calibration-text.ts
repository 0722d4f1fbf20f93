// This text is what packing calibrates on: some prose, code, numbers, and a chat. The first paragraphs are Lincoln's at
// Gettysburg (1863) and Carroll's (1865), in the public domain; the rest was written for this file.

export const CALIBRATION_TEXT = `Four score and seven years ago our fathers brought forth on this continent, a new nation, conceived in Liberty, and dedicated to the proposition that all men are created equal. Now we are engaged in a great civil war, testing whether that nation, or any nation so conceived and so dedicated, can long endure.

Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing to do: once or twice she had peeped into the book her sister was reading, but it had no pictures or conversations in it, "and what is the use of a book," thought Alice "without pictures or conversations?"

# Shopping list
- 2 kg of potatoes, 1.50 each
- 12 eggs (large)
- Olive oil, 0.75 l

\`\`\`python
def count_words(path):
    """Return how often each word occurs in a file."""
    counts = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            for word in line.lower().split():
                counts[word] = counts.get(word, 0) + 1
    return sorted(counts.items(), key=lambda item: -item[1])
\`\`\`

Dear Mr. Berger,

thank you for your letter of 14 March 2019. The parts that you ordered left our warehouse on Tuesday and should reach you within three days. If anything is missing, please call +49 30 901820 or write to parts@example.org.

User: How many legs do three spiders have?
Assistant: A spider has 8 legs, so three spiders have 3 x 8 = 24 legs.
User: Why is the sky dark at night?
Assistant: At night our side of the Earth is turned away from the Sun. Without its light there is nothing for the air to scatter, so we see the stars instead of a blue sky.

{"name": "Ada", "born": 1815, "languages": ["English", "French"], "alive": false}

const total = prices.filter((price) => price > 0).reduce((sum, price) => sum + price, 0);
if (total >= 100) { console.log("Free delivery!"); }

The boiling point of water is 100 degrees Celsius at sea level, but only about 71 degrees on top of Mount Everest, because the pressure there is a third of that below. Die Katze schläft auf dem Sofa. Il pleut depuis ce matin.
`
