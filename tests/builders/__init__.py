"""What tests are made of: files, mails, documents, corpora and models, built in code."""
