from django.db import migrations


def fill(apps, schema_editor):
    """200 authors with five books each."""
    author, book = apps.get_model("books", "Author"), apps.get_model("books", "Book")
    author.objects.bulk_create(author(name=f"Author {number}") for number in range(1, 201))
    authors = list(author.objects.order_by("pk"))
    book.objects.bulk_create(
        book(title=f"Book {number}", author=authors[number * 7 % len(authors)]) for number in range(1, 1001)
    )


class Migration(migrations.Migration):
    dependencies = [("books", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
